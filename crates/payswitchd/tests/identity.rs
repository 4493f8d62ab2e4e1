//! Who calls is known from the credential alone, and reaches what is its own and nothing else.

mod support;

use client::{Client, Code, Operator, Refusal, sandbox};
use support::{
    Daemon,
    parties::{self, SMALL_SEGMENTS, Sandbox, caller, decided, money, operator, payment, refused},
    production::{self, Production},
};
use tempfile::TempDir;
use tonic::{Request, Status};
use tonic_types::StatusExt;
use wire::{
    digest::Digester,
    v1::{
        self, account_service_client::AccountServiceClient, consent_service_client::ConsentServiceClient,
        operations_service_client::OperationsServiceClient, payment_service_client::PaymentServiceClient,
        quote_service_client::QuoteServiceClient, rate_service_client::RateServiceClient,
        receipt_service_client::ReceiptServiceClient, sandbox_service_client::SandboxServiceClient,
    },
};

const FRESH_KEY: &str = "key_0123456789abcdef0123456789abcdef";

/// A request under this header; none sends none.
fn under<T>(header: Option<&str>, message: T) -> Request<T> {
    let mut request = Request::new(message);
    if let Some(header) = header {
        request.metadata_mut().insert("authorization", header.parse().expect("a header is visible ASCII"));
    }
    request
}

/// What methods of every service say to this header.
async fn statuses(daemon: &Daemon, header: Option<&str>) -> Vec<Status> {
    let (merchants, operators) = (daemon.merchants.clone(), daemon.operators.clone());
    let mut payments = PaymentServiceClient::connect(merchants.clone()).await.expect("the daemon listens");
    let mut accounts = AccountServiceClient::connect(merchants.clone()).await.expect("the daemon listens");
    let mut rates = RateServiceClient::connect(merchants.clone()).await.expect("the daemon listens");
    let mut quotes = QuoteServiceClient::connect(merchants.clone()).await.expect("the daemon listens");
    let mut consents = ConsentServiceClient::connect(merchants.clone()).await.expect("the daemon listens");
    let mut receipts = ReceiptServiceClient::connect(merchants.clone()).await.expect("the daemon listens");
    let mut sandbox = SandboxServiceClient::connect(operators.clone()).await.expect("the daemon listens");
    let mut operations = OperationsServiceClient::connect(operators).await.expect("the daemon listens");
    let paid = payment("key", "order", "hk-alice", money("CNY", 100));
    let deposit = parties::deposit("key", "hk-alice", money("HKD", 100));
    let publish = v1::PublishRatesRequest { idempotency_key: "key".to_owned(), ..v1::PublishRatesRequest::default() };
    let answers = [
        payments.authorize(under(header, paid)).await.map(drop),
        payments.get(under(header, v1::PaymentServiceGetRequest::default())).await.map(drop),
        payments.capture(under(header, v1::CaptureRequest::default())).await.map(drop),
        payments.void(under(header, v1::VoidRequest::default())).await.map(drop),
        payments.refund(under(header, v1::RefundRequest::default())).await.map(drop),
        payments.increase_authorization(under(header, v1::IncreaseAuthorizationRequest::default())).await.map(drop),
        payments.list(under(header, v1::PaymentServiceListRequest::default())).await.map(drop),
        payments.watch(under(header, v1::WatchRequest::default())).await.map(drop),
        quotes.create(under(header, v1::CreateRequest::default())).await.map(drop),
        consents.issue_code(under(header, v1::IssueCodeRequest::default())).await.map(drop),
        receipts.get(under(header, v1::ReceiptServiceGetRequest::default())).await.map(drop),
        receipts.list_keys(under(header, v1::ListKeysRequest {})).await.map(drop),
        sandbox.advance_clock(under(header, v1::AdvanceClockRequest::default())).await.map(drop),
        accounts.deposit(under(header, deposit)).await.map(drop),
        accounts.get(under(header, v1::AccountServiceGetRequest::default())).await.map(drop),
        rates.list(under(header, v1::RateServiceListRequest {})).await.map(drop),
        operations.status(under(header, v1::StatusRequest {})).await.map(drop),
        operations.publish_rates(under(header, publish)).await.map(drop),
    ];
    answers.map(|answer| answer.expect_err("nobody is let in under this header")).into()
}

#[tokio::test]
async fn who_cannot_say_who_it_is_is_refused_by_every_service() {
    let sandbox = Sandbox::start();
    let before = sandbox.status().await.last_lsn;
    let too_long = format!("Bearer {}", "k".repeat(129));
    let one_off = format!("Bearer {}1", sandbox::MERCHANT_KEYS[0].1);
    let upper = format!("Bearer {}", sandbox::MERCHANT_KEYS[0].1.to_uppercase());
    let malformed = ("CREDENTIAL_MALFORMED", "the credential is not of the form Bearer <api key>");
    let unknown = ("CREDENTIAL_UNKNOWN", "the API key is not known here");
    let missing = ("CREDENTIAL_MISSING", "no credential: send authorization: Bearer <api key>");
    for (header, (reason, message)) in [
        (None, missing),
        (Some("Basic ZGVtbzpkZW1v"), malformed),
        (Some("Bearer"), malformed),
        (Some(sandbox::WALLET_KEY), malformed),
        (Some(too_long.as_str()), malformed),
        (Some("Bearer key_0123456789abcdef0123456789abcdef"), unknown),
        (Some(one_off.as_str()), unknown),
        (Some(upper.as_str()), unknown),
    ] {
        for status in statuses(&sandbox.daemon, header).await {
            assert_eq!(status.code(), tonic::Code::Unauthenticated, "{header:?}");
            assert_eq!(status.message(), message, "{header:?}");
            let info = status.get_details_error_info().expect("every error has its reason");
            assert_eq!((info.reason.as_str(), info.domain.as_str()), (reason, "payswitch"), "{header:?}");
            assert_eq!(info.metadata.get("outcome").map(String::as_str), Some("NOT_COMMITTED"), "{header:?}");
            assert_eq!(info.metadata.get("speaks_of").map(String::as_str), Some("ATTEMPT"), "{header:?}");
        }
    }
    assert_eq!(sandbox.status().await.last_lsn, before, "nothing was recorded");
}

fn check_denied(refusal: &Refusal, whose: &str) {
    assert_eq!((refusal.code, refusal.reason.as_str()), (Code::PermissionDenied, "WRONG_PRINCIPAL"));
    assert_eq!(refusal.message, format!("this service is for {whose}"));
    assert!(!refusal.speaks_of_this_attempt_only(), "the key is no better another time");
}

/// Every method of the accounts' and the consents' service.
async fn denied_accounts(client: &Client) -> Vec<Refusal> {
    let account_id = "hk-alice".to_owned();
    let withdraw = v1::WithdrawRequest { account_id: account_id.clone(), ..v1::WithdrawRequest::default() };
    let postings = v1::ListPostingsRequest { account_id: account_id.clone(), ..v1::ListPostingsRequest::default() };
    vec![
        refused(client.open(v1::OpenRequest::default()).await),
        refused(client.deposit(parties::deposit("key", "hk-alice", money("HKD", 1))).await),
        refused(client.withdraw(withdraw).await),
        refused(client.close(v1::CloseRequest::default()).await),
        refused(client.account(v1::AccountServiceGetRequest { account_id }).await),
        refused(client.list_postings(postings).await),
        refused(client.freeze(v1::FreezeRequest::default()).await),
        refused(client.unfreeze(v1::UnfreezeRequest::default()).await),
        refused(client.issue_code(v1::IssueCodeRequest::default()).await),
        refused(client.approve_order(v1::ApproveOrderRequest::default()).await),
        refused(client.grant_mandate(v1::GrantMandateRequest::default()).await),
        refused(client.revoke_mandate(v1::RevokeMandateRequest::default()).await),
    ]
}

async fn denied_operations(operator: &Operator) -> Vec<Refusal> {
    vec![
        refused(operator.status().await),
        refused(operator.publish_rates(v1::PublishRatesRequest::default()).await),
        refused(operator.register_merchant(v1::RegisterMerchantRequest::default()).await),
        refused(operator.fund_reserve(v1::FundReserveRequest::default()).await),
        refused(operator.pay_out(v1::PayOutRequest::default()).await),
        refused(operator.square_position(v1::SquarePositionRequest::default()).await),
    ]
}

#[tokio::test]
async fn each_kind_of_party_has_its_own_services() {
    let sandbox = Sandbox::start();
    let before = sandbox.status().await.last_lsn;
    let merchant_key = sandbox::MERCHANT_KEYS[0].1;
    let at = |key| caller(&sandbox.daemon.merchants, key);
    for key in [merchant_key, sandbox::OPERATOR_KEY] {
        for refusal in denied_accounts(&at(key)).await {
            check_denied(&refusal, "wallet operators");
        }
    }
    for key in [sandbox::WALLET_KEY, sandbox::OPERATOR_KEY] {
        let paid = payment("key", "order", "hk-alice", money("CNY", 100));
        let moves = [
            refused(at(key).authorize(paid).await),
            refused(at(key).capture(v1::CaptureRequest::default()).await),
            refused(at(key).void(v1::VoidRequest::default()).await),
            refused(at(key).refund(v1::RefundRequest::default()).await),
            refused(at(key).increase_authorization(v1::IncreaseAuthorizationRequest::default()).await),
        ];
        for refusal in moves {
            check_denied(&refusal, "merchants");
        }
    }
    let read = at(sandbox::WALLET_KEY).payment(v1::PaymentServiceGetRequest::default()).await;
    check_denied(&refused(read), "merchants and the switch's operator");
    for key in [merchant_key, sandbox::WALLET_KEY] {
        for refusal in denied_operations(&operator(&sandbox.daemon.operators, key)).await {
            check_denied(&refusal, "the switch's operator");
        }
    }
    for key in [merchant_key, sandbox::WALLET_KEY, sandbox::OPERATOR_KEY] {
        let rates = at(key).list_rates().await.expect("rates are for every credential").rates;
        assert_eq!(rates.len(), 9);
    }
    assert_eq!(sandbox.status().await.last_lsn, before, "nothing was recorded");
}

#[tokio::test]
async fn each_listener_has_its_own_services() {
    let sandbox = Sandbox::start();
    let Daemon { merchants, operators, .. } = &sandbox.daemon;
    for refusal in denied_operations(&operator(merchants, sandbox::OPERATOR_KEY)).await {
        assert_eq!(refusal.code, Code::Unimplemented, "{refusal}");
    }
    for refusal in denied_accounts(&caller(operators, sandbox::WALLET_KEY)).await {
        assert_eq!(refusal.code, Code::Unimplemented, "{refusal}");
    }
    let cafe = caller(operators, sandbox::MERCHANT_KEYS[0].1);
    let paid = payment("key", "order", "hk-alice", money("CNY", 100));
    assert_eq!(refused(cafe.authorize(paid).await).code, Code::Unimplemented);
    assert_eq!(cafe.list_rates().await.expect("rates are on both").rates.len(), 9);
}

/// The refusal as it would be for another subject.
fn said_of(refusal: Refusal, subject: &str, instead: &str) -> Refusal {
    Refusal { message: refusal.message.replace(subject, instead), ..refusal }
}

#[tokio::test]
async fn what_is_another_s_is_as_if_it_never_was() {
    let sandbox = Sandbox::start();
    let paid = decided(sandbox.cafe.authorize(payment("key", "order", "hk-alice", money("CNY", 100))).await);
    let get = |client: &Client, payment_id: &str| {
        let (client, payment_id) = (client.clone(), payment_id.to_owned());
        async move { refused(client.payment(parties::by_id(&payment_id)).await) }
    };
    let never = "01900000-0000-7000-8000-000000000000";
    let of_another = get(&sandbox.books, &paid.payment_id).await;
    let of_nobody = get(&sandbox.books, never).await;
    assert_eq!((of_another.code, of_another.reason.as_str()), (Code::NotFound, "PAYMENT_NOT_FOUND"));
    assert_eq!(said_of(of_another, &paid.payment_id, never), of_nobody);
}

#[tokio::test]
async fn accounts_of_two_wallet_operators_never_meet() {
    let production = Production::prepare(&["wallet-a", "wallet-b"]);
    let daemon = production.start();
    let [a, b] = [0, 1].map(|index: usize| caller(&daemon.merchants, &production.wallets[index].1));
    let open = |account: &str, currency: &str| v1::OpenRequest {
        idempotency_key: "open".to_owned(),
        account_id: account.to_owned(),
        currency_code: currency.to_owned(),
    };
    a.open(open("main", "HKD")).await.expect("opened");
    let get = |account: &str| v1::AccountServiceGetRequest { account_id: account.to_owned() };
    let of_another = refused(b.account(get("main")).await);
    let of_nobody = refused(b.account(get("none")).await);
    assert_eq!((of_another.code, of_another.reason.as_str()), (Code::NotFound, "ACCOUNT_NOT_FOUND"));
    assert_eq!(said_of(of_another, "main", "none"), of_nobody);
    let deposit = |account| parties::deposit("deposit", account, money("HKD", 1));
    let of_another = refused(b.deposit(deposit("main")).await);
    let of_nobody = refused(b.deposit(deposit("none")).await);
    assert_eq!(said_of(of_another, "main", "none"), of_nobody);

    b.open(open("main", "JPY")).await.expect("the name and the key are free in another wallet");
    a.deposit(deposit("main")).await.expect("deposited");
    let balance = |reply: v1::AccountServiceGetResponse| reply.account.and_then(|account| account.posted_balance);
    assert_eq!(balance(a.account(get("main")).await.expect("own")), Some(money("HKD", 1)));
    assert_eq!(balance(b.account(get("main")).await.expect("own")), Some(money("JPY", 0)));
}

fn register(merchant: &str, api_key: &str) -> v1::RegisterMerchantRequest {
    v1::RegisterMerchantRequest {
        idempotency_key: format!("register {merchant}"),
        merchant_id: merchant.to_owned(),
        settlement_currency_code: "CNY".to_owned(),
        merchant_discount: "0.002".to_owned(),
        api_key: api_key.to_owned(),
    }
}

#[tokio::test]
async fn a_registered_merchant_calls_with_its_key_at_once_and_after_a_restart() {
    let sandbox = Sandbox::start();
    let tea_house = caller(&sandbox.daemon.merchants, FRESH_KEY);
    assert_eq!(refused(tea_house.list_rates().await).reason, "CREDENTIAL_UNKNOWN");
    sandbox.operator.register_merchant(register("tea-house", FRESH_KEY)).await.expect("registered");
    let asked = payment("key", "order", "cn-chen", money("CNY", 10_000));
    let paid = decided(tea_house.authorize(asked.clone()).await);
    assert_eq!(paid.merchant_id, "tea-house");
    assert_eq!(paid.merchant_discount, Some(money("CNY", 20)));

    let sandbox = sandbox.restart(parties::End::Asked).await;
    let tea_house = caller(&sandbox.daemon.merchants, FRESH_KEY);
    assert_eq!(decided(tea_house.authorize(asked).await), paid);
}

#[tokio::test]
async fn an_api_key_speaks_for_one_party_only() {
    let sandbox = Sandbox::start();
    for key in [sandbox::MERCHANT_KEYS[0].1, sandbox::WALLET_KEY, sandbox::OPERATOR_KEY] {
        let refusal = refused(sandbox.operator.register_merchant(register("tea-house", key)).await);
        assert_eq!((refusal.code, refusal.reason.as_str()), (Code::AlreadyExists, "API_KEY_TAKEN"));
        assert_eq!(refusal.message, "api_key: another party calls with this key already");
    }
    sandbox.operator.register_merchant(register("tea-house", FRESH_KEY)).await.expect("name and key are still free");
}

#[tokio::test]
async fn a_production_daemon_refuses_the_sandbox_s_keys() {
    let production = Production::prepare(&["demo-wallet"]);
    let daemon = production.start();
    assert!(!daemon.banner.contains("sandbox"), "{}", daemon.banner);
    let merchants = sandbox::MERCHANT_KEYS.map(|(_, key)| key);
    for key in merchants.into_iter().chain([sandbox::WALLET_KEY, sandbox::OPERATOR_KEY]) {
        let refusal = refused(caller(&daemon.merchants, key).list_rates().await);
        assert_eq!((refusal.code, refusal.reason.as_str()), (Code::Unauthenticated, "CREDENTIAL_UNKNOWN"));
    }
    let status =
        operator(&daemon.operators, &production.operator_key).status().await.expect("the operator's key works");
    assert_eq!(status.mode, "production");
}

/// Nobody could call with it: a merchant registered so would wait in vain.
#[tokio::test]
async fn a_production_daemon_registers_no_merchant_with_a_sandbox_s_key() {
    let production = Production::prepare(&[]);
    let daemon = production.start();
    let operator = operator(&daemon.operators, &production.operator_key);
    let before = operator.status().await.expect("the operator may ask").last_lsn;
    for key in ["sandbox_0123456789abcdef0123456789abcdef", sandbox::MERCHANT_KEYS[0].1] {
        let refusal = refused(operator.register_merchant(register("tea-house", key)).await);
        assert_eq!((refusal.code, refusal.reason.as_str()), (Code::InvalidArgument, "API_KEY_INVALID"));
        assert_eq!(refusal.message, "api_key: keys that begin with sandbox_ work in a sandbox only");
        assert_eq!(refusal.field_violations[0].field, "api_key");
    }
    assert_eq!(operator.status().await.expect("the operator may ask").last_lsn, before, "nothing was recorded");
    operator.register_merchant(register("tea-house", FRESH_KEY)).await.expect("name and key are still free");
}

/// The daemon refuses to start on this configuration, and names who has the same key.
#[track_caller]
fn check_shared_key(production: &Production, config: &str, expected: &str) {
    std::fs::write(production.config(), config).expect("the configuration is written");
    let (exit, said) = production.refusal(&[SMALL_SEGMENTS]);
    assert_eq!(exit, 2, "{said}");
    assert!(said.contains(expected), "{said}");
}

#[tokio::test]
async fn two_parties_with_one_key_are_refused_at_the_start() {
    let production = Production::prepare(&["wallet-a", "wallet-b"]);
    let config = std::fs::read_to_string(production.config()).expect("the configuration is text");
    let hashes: Vec<_> =
        config.lines().filter_map(|line| line.strip_prefix("api_key_hash = ")).map(str::to_owned).collect();
    let [operator_hash, a, b] = hashes.as_slice() else { panic!("three parties, got {hashes:?}") };

    let two_wallets = "wallet operator wallet-b and wallet operator wallet-a have the same api_key_hash";
    check_shared_key(&production, &config.replace(b, a), two_wallets);
    let first_wallet = "wallet operator wallet-a and operator have the same api_key_hash";
    check_shared_key(&production, &config.replace(a, operator_hash), first_wallet);
    let second_wallet = "wallet operator wallet-b and operator have the same api_key_hash";
    check_shared_key(&production, &config.replace(b, operator_hash), second_wallet);

    std::fs::write(production.config(), config).expect("the configuration is written");
    let daemon = production.start();
    for (_, key) in &production.wallets {
        caller(&daemon.merchants, key).list_rates().await.expect("each has a key of its own again");
    }
}

#[tokio::test]
async fn the_key_of_a_registered_merchant_is_no_other_party_s_at_the_start() {
    let production = Production::prepare(&["wallet-a"]);
    let config = std::fs::read_to_string(production.config()).expect("the configuration is text");
    let (key, hash) = production::new_key(&production.digest_key_file());
    let daemon = production.start();
    let operator = operator(&daemon.operators, &production.operator_key);
    operator.register_merchant(register("tea-house", &key)).await.expect("registered");
    daemon.kill();

    let one_more = format!("{config}\n[[wallets]]\nname = \"wallet-b\"\napi_key_hash = \"{hash}\"\n");
    let expected = "wallet operator wallet-b has the api_key_hash of a registered merchant";
    check_shared_key(&production, &one_more, expected);
}

/// Even a production daemon that was given the sandbox's secret and the hash of its operator's key.
#[tokio::test]
async fn the_sandbox_s_keys_are_refused_by_their_name_too() {
    let production = Production::prepare(&[]);
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let secret = *b"payswitch sandbox: not a secret!";
    production::write_secret(&production.digest_key_file(), &hex(&secret));
    let hash = hex(&Digester::new(secret).api_key_hash(sandbox::OPERATOR_KEY).0);
    let config = production.config();
    let arguments = ["--config", config.to_str().expect("the path is text")];
    let environment = [SMALL_SEGMENTS, ("PAYSWITCHD__OPERATOR__API_KEY_HASH", hash.as_str())];
    let daemon = Daemon::start(&production.data_dir(), &arguments, &environment);
    let refusal = refused(operator(&daemon.operators, sandbox::OPERATOR_KEY).status().await);
    assert_eq!(refusal.reason, "CREDENTIAL_UNKNOWN");
}

#[tokio::test]
async fn a_ledger_stays_in_its_mode() {
    let sandbox_dir = TempDir::new().expect("a temporary directory");
    Daemon::start(sandbox_dir.path(), &[], &[SMALL_SEGMENTS]).kill();
    let production = Production::prepare(&[]);
    production.start().kill();
    let config = production.config();
    let arguments = ["--config", config.to_str().expect("the path is text")];

    let (exit, said) = support::refusal(sandbox_dir.path(), &arguments, &[]);
    assert_eq!(exit, 2, "{said}");
    assert!(said.contains("the data directory belongs to a sandbox, this daemon is a production"), "{said}");
    let (exit, said) = support::refusal(&production.data_dir(), &[], &[]);
    assert_eq!(exit, 2, "{said}");
    assert!(said.contains("the data directory belongs to a production, this daemon is a sandbox"), "{said}");
}

#[tokio::test]
async fn a_ledger_is_read_with_the_secret_it_was_written_with() {
    let production = Production::prepare(&[]);
    production.start().kill();
    let (exit, said) = production.refusal(&[("PAYSWITCHD__DIGEST_KEY__ID", "2")]);
    assert_eq!(exit, 2, "{said}");
    let expected =
        "the ledger was written under digest key 1, this daemon has key 2: a ledger is read with the key it was";
    assert!(said.contains(expected), "{said}");

    production::write_secret(&production.digest_key_file(), &production::SECRET.replace("00", "01"));
    let (exit, said) = production.refusal(&[]);
    assert_eq!(exit, 2, "{said}");
    let expected =
        "the ledger was written under digest key 1, this daemon has another secret of that number: a ledger is";
    assert!(said.contains(expected), "{said}");
    production::write_secret(&production.digest_key_file(), production::SECRET);
    production.start();
}

#[tokio::test]
async fn a_secret_that_is_none_is_refused() {
    let production = Production::prepare(&[]);
    let file = production.digest_key_file();
    for mode in [0o644, 0o640, 0o604, 0o660] {
        production::set_mode(&file, mode);
        let (exit, said) = production.refusal(&[]);
        assert_eq!(exit, 2, "{said}");
        assert!(said.contains(&format!("digest.key is open to others (mode {mode:o}): chmod 600 it")), "{said}");
    }
    production::write_secret(&file, "short");
    let (exit, said) = production.refusal(&[]);
    assert_eq!(exit, 2, "{said}");
    assert!(said.contains("digest.key: not 64 hexadecimal digits"), "{said}");
    std::fs::remove_file(&file).expect("the file is removed");
    let (exit, said) = production.refusal(&[]);
    assert_eq!(exit, 2, "{said}");
    assert!(said.contains("cannot read the secret in"), "{said}");
    assert!(!production.data_dir().exists(), "nothing was touched");
}

#[tokio::test]
async fn keys_are_nowhere_in_the_data_directory() {
    let sandbox = Sandbox::start();
    sandbox.operator.register_merchant(register("tea-house", FRESH_KEY)).await.expect("registered");
    decided(sandbox.cafe.authorize(payment("my-idempotency-key", "order", "hk-alice", money("CNY", 100))).await);
    let journal = sandbox.data_dir.path().join("journal");
    for entry in std::fs::read_dir(journal).expect("the journal is a directory") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("a segment is read");
        let keys = [FRESH_KEY, sandbox::WALLET_KEY, sandbox::OPERATOR_KEY, sandbox::MERCHANT_KEYS[0].1];
        for secret in keys.into_iter().chain(["my-idempotency-key"]) {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret} is stored");
        }
    }
}
