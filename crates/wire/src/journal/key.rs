//! A caller's idempotency key.

use domain::{FIELDS_MAX, Fingerprint, IdempotencyKey, MerchantId, Method, TenantId, WalletId};

use super::{DecodeError, value};
use crate::journal_v1;

pub(super) fn write(key: &IdempotencyKey) -> journal_v1::IdempotencyKey {
    let IdempotencyKey { tenant, digest, fingerprint: Fingerprint { method, request, fields } } = key;
    let (tenant_kind, tenant_number) = tenant_numbers(*tenant);
    journal_v1::IdempotencyKey {
        tenant_kind,
        tenant_number,
        digest: digest.0.to_vec(),
        method: method.number().into(),
        request_digest: request.0.to_vec(),
        field_digests: used(fields).to_vec(),
    }
}

pub(super) fn read(message: journal_v1::IdempotencyKey) -> Result<IdempotencyKey, DecodeError> {
    let journal_v1::IdempotencyKey { tenant_kind, tenant_number, digest, method, request_digest, field_digests } =
        message;
    Ok(IdempotencyKey {
        tenant: tenant(tenant_kind, tenant_number)?,
        digest: value::digest("key.digest", &digest)?,
        fingerprint: Fingerprint {
            method: self::method(method)?,
            request: value::digest("key.request_digest", &request_digest)?,
            fields: fields(&field_digests)?,
        },
    })
}

/// Kind and number of a tenant, as they are written.
pub(super) const fn tenant_numbers(tenant: TenantId) -> (u32, u32) {
    match tenant {
        TenantId::Operator => (0, 0),
        TenantId::Wallet(WalletId(number)) => (1, number),
        TenantId::Merchant(MerchantId(number)) => (2, number),
        TenantId::Switch => (3, 0),
    }
}

/// Unused places are zero and stand at the end, so they need not be written.
pub(super) fn used(fields: &[u32; FIELDS_MAX]) -> &[u32] {
    let used = fields.iter().rposition(|field| *field != 0).map_or(0, |last| last + 1);
    fields.get(..used).unwrap_or_default()
}

pub(super) fn tenant(kind: u32, number: u32) -> Result<TenantId, DecodeError> {
    match (kind, number) {
        (0, 0) => Ok(TenantId::Operator),
        (1, number) => Ok(TenantId::Wallet(WalletId(number))),
        (2, number) => Ok(TenantId::Merchant(MerchantId(number))),
        (3, 0) => Ok(TenantId::Switch),
        (kind, number) => Err(value::invalid("key.tenant_kind", format_args!("{kind} with number {number}"))),
    }
}

pub(super) fn method(number: u32) -> Result<Method, DecodeError> {
    let method = u8::try_from(number).ok().and_then(Method::from_number);
    method.ok_or_else(|| value::invalid("key.method", number))
}

fn fields(digests: &[u32]) -> Result<[u32; FIELDS_MAX], DecodeError> {
    let mut fields = [0; FIELDS_MAX];
    let Some(used) = fields.get_mut(..digests.len()) else {
        return Err(value::invalid("key.field_digests", format_args!("{} digests", digests.len())));
    };
    used.copy_from_slice(digests);
    Ok(fields)
}
