//! One file a family of rules. Each has its table, one `check` from text to complaints, a test that runs it over the
//! project, and tests that show that every rule can fail.

mod source;

mod code;
mod dependencies;
mod length;
mod lock;
mod name;
mod prose;
mod proto;
