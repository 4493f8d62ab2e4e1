//! A card's number on its way in.

use std::convert::Infallible;
use std::fmt;
use std::io::{self, BufRead};
use std::str::FromStr;

use crate::error::Error;

/// How many digits a number has, ISO/IEC 7812-1.
const DIGITS: std::ops::RangeInclusive<usize> = 12..=19;
/// So many bytes of standard input are read: a number, and white space around it.
const INPUT_BYTES_MAX: u64 = 256;

/// A number as given, or where it is to be read. Nothing prints it, not even an error about it: therefore any text is taken
/// here, and only [`read`](Self::read) looks at it.
#[derive(Clone)]
pub(super) enum Number {
    Given(String),
    StandardInput,
}

impl Number {
    /// The digits.
    pub(super) fn read(self) -> Result<String, Error> {
        match self {
            Self::Given(text) => digits(&text),
            Self::StandardInput => digits(&first_line(io::stdin().lock())?),
        }
    }
}

fn first_line(input: impl BufRead) -> Result<String, Error> {
    let mut line = String::new();
    let read = input.take(INPUT_BYTES_MAX).read_line(&mut line);
    read.map_err(|source| Error::Local { tried: "read a card's number from standard input".to_owned(), source })?;
    Ok(line)
}

fn digits(text: &str) -> Result<String, Error> {
    let text = text.trim();
    if DIGITS.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(text.to_owned());
    }
    Err(Error::Usage("a card's number is 12 to 19 digits, without spaces".to_owned()))
}

impl FromStr for Number {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(if text == "-" { Self::StandardInput } else { Self::Given(text.to_owned()) })
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Number(****)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, Error> {
        text.parse::<Number>().unwrap_or_else(|never| match never {}).read()
    }

    #[test]
    fn a_number_is_digits_and_is_never_quoted() {
        assert_eq!(read(" 4242424242424242\n").unwrap(), "4242424242424242");
        for wrong in ["", "42424242424", "42424242424242424242", "4242 4242 4242 4242", "424242424242424x", "４２４２"]
        {
            let error = read(wrong).unwrap_err();
            assert!(wrong.is_empty() || !format!("{error} {error:?}").contains(wrong), "{error}");
        }
        assert_eq!(format!("{:?}", "4242424242424242".parse::<Number>()), "Ok(Number(****))");
    }

    #[test]
    fn standard_input_is_read_to_the_end_of_a_line() {
        let line = first_line("4242424242424242\nand more".as_bytes()).unwrap();
        assert_eq!(digits(&line).unwrap(), "4242424242424242");
        let long = "4".repeat(1_000);
        assert!(digits(&first_line(long.as_bytes()).unwrap()).is_err());
    }
}
