//! The dependency table of `crates/README.md` is what the manifests say.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

use crate::source::{Complaint, SourceFile, assert_none, project, root};

const PAGE: &str = "crates/README.md";
const TABLE_HEAD: &str = "| crate | may depend on (ours) | outside crates it may use |";

/// Any crate may use these.
const FREE: [&str; 1] = ["thiserror"];

/// What a package needs to run or to be built; what its tests need is its own business.
#[derive(Default)]
struct Needs {
    ours: BTreeSet<String>,
    outside: BTreeSet<String>,
}

struct Row {
    place: usize,
    needs: Needs,
}

fn check(page: &SourceFile, manifests: &BTreeMap<String, Needs>) -> Vec<Complaint> {
    let table = table(&page.text);
    let head = page.text.find(TABLE_HEAD).unwrap_or(0);
    let mut complaints = Vec::new();
    for (package, needs) in manifests {
        let Some(row) = table.get(package) else {
            complaints.push(Complaint::at(
                page,
                head,
                format!("no row for `{package}`: add it, with what it may depend on"),
            ));
            continue;
        };
        for (whose, needs, allowed) in
            [("our", &needs.ours, &row.needs.ours), ("the outside", &needs.outside, &row.needs.outside)]
        {
            let extra = needs.difference(allowed).map(|extra| {
                format!(
                    "`{package}` depends on {whose} crate `{extra}`, which its row does not allow: do without, or change the \
                     row and say why in the commit"
                )
            });
            let unused = allowed.difference(needs).map(|unused| {
                format!(
                    "the row of `{package}` allows {whose} crate `{unused}`, which its manifest does not name: take it \
                     out of the row"
                )
            });
            complaints.extend(extra.chain(unused).map(|what| Complaint::at(page, row.place, what)));
        }
        if !page.text.contains(&format!("**{package}**")) {
            complaints.push(Complaint::at(
                page,
                0,
                format!("the code map has no paragraph **{package}**: say what it is for"),
            ));
        }
    }
    for (package, row) in table.iter().filter(|(package, _)| !manifests.contains_key(*package)) {
        complaints.push(Complaint::at(page, row.place, format!("there is no crate `{package}`: take out its row")));
    }
    complaints
}

fn table(page: &str) -> BTreeMap<String, Row> {
    let mut rows = BTreeMap::new();
    let Some(mut place) = page.find(TABLE_HEAD) else { return rows };
    for (number, line) in page[place..].split_inclusive('\n').enumerate() {
        let cells: Vec<&str> = line.trim().trim_matches('|').split('|').collect();
        let [package, ours, outside] = cells[..] else { break };
        if number >= 2 {
            let needs = Needs { ours: names(ours), outside: names(outside) };
            rows.insert(package.trim().to_owned(), Row { place, needs });
        }
        place += line.len();
    }
    rows
}

fn names(cell: &str) -> BTreeSet<String> {
    cell.split(',').map(str::trim).filter(|name| !matches!(*name, "" | "–")).map(str::to_owned).collect()
}

fn manifests() -> BTreeMap<String, Needs> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    needs(&metadata)
}

fn needs(metadata: &Value) -> BTreeMap<String, Needs> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let packages = list(&metadata["packages"]);
    let ours: BTreeSet<String> = packages.iter().map(|package| text(&package["name"])).collect();
    let mut manifests = BTreeMap::new();
    for package in &packages {
        let mut needs = Needs::default();
        for dependency in list(&package["dependencies"]) {
            let name = text(&dependency["name"]);
            if dependency["kind"] == "dev" || FREE.contains(&name.as_str()) {
                continue;
            }
            if ours.contains(&name) {
                needs.ours.insert(name)
            } else {
                needs.outside.insert(name)
            };
        }
        manifests.insert(text(&package["name"]), needs);
    }
    manifests
}

#[test]
fn the_dependency_table_is_what_the_manifests_say() {
    let page = project().iter().find(|file| file.path == PAGE).expect("the architecture page is there");
    let manifests = manifests();
    assert!(manifests.contains_key("tidy"), "cargo metadata lists the workspace");
    assert_none(&check(page, &manifests));
}

#[test]
fn every_difference_is_seen() {
    let page = |rows: &str| {
        SourceFile::new(PAGE, &format!("**money** **wire**\n\n{TABLE_HEAD}\n| --- | --- | --- |\n{rows}\n"))
    };
    let dependency = |name: &str, kind: Value| serde_json::json!({ "name": name, "kind": kind });
    let metadata = serde_json::json!({ "packages": [
        { "name": "money", "dependencies": [dependency("thiserror", Value::Null), dependency("proptest", "dev".into())] },
        { "name": "wire", "dependencies": [dependency("money", Value::Null), dependency("protox", "build".into())] },
    ]});
    let manifests = needs(&metadata);
    for (rows, expected) in [
        ("| money | – | – |\n| wire | money | protox |", None),
        ("| money | – | – |\n| wire | – | protox |", Some("crates/README.md:6: `wire` depends on our crate `money`")),
        (
            "| money | – | – |\n| wire | money | – |",
            Some("crates/README.md:6: `wire` depends on the outside crate `protox`"),
        ),
        (
            "| money | wire | – |\n| wire | money | protox |",
            Some("crates/README.md:5: the row of `money` allows our crate `wire`"),
        ),
        ("| money | – | – |", Some("crates/README.md:3: no row for `wire`")),
        (
            "| money | – | – |\n| wire | money | protox |\n| util | – | – |",
            Some("crates/README.md:7: there is no crate `util`"),
        ),
    ] {
        let complaints: Vec<String> = check(&page(rows), &manifests).iter().map(ToString::to_string).collect();
        match expected {
            None => assert!(complaints.is_empty(), "{complaints:?}"),
            Some(start) => assert!(complaints.len() == 1 && complaints[0].starts_with(start), "{complaints:?}"),
        }
    }
}
