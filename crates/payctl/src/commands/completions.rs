//! `payctl completions`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::args::Cli;
use crate::error::Error;
use crate::exit::Exit;

/// Print completions for a shell
///
/// For example, for bash: source <(payctl completions bash)
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(&self) -> Result<Exit, Error> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "payctl", &mut script);
        anstream::print!("{}", String::from_utf8_lossy(&script));
        Ok(Exit::Approved)
    }
}
