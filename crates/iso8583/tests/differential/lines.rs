//! The codec by lines of text, for another implementation to be compared with it.
//!
//! ```text
//! iso8583_lines table SPEC                    the spec, as JSON that pyiso8583 takes
//! iso8583_lines generate SPEC SEED COUNT      messages: bytes, type, elements, all in hexadecimal digits
//! iso8583_lines read SPEC                     the same of the bytes on each line of the input, or why not
//! ```
//!
//! A line of a message is its bytes, a blank, its type and for each element `NUMBER=VALUE`.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    io::{self, BufRead as _, Write as _},
};

use iso8583::{
    Charset, Element, Encoding, Format, Kind, Length, Message, Mti, Padding, PrefixEncoding, Spec, decode, encode,
};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut out = io::BufWriter::new(io::stdout().lock());
    match arguments[..] {
        ["table", spec] => writeln!(out, "{}", table(named(spec)?))?,
        ["generate", spec, seed, count] => {
            let (spec, mut random) = (named(spec)?, Random(seed.parse()?));
            for _ in 0..count.parse()? {
                let message = any_message(spec, &mut random);
                writeln!(out, "{}", line(&encode(spec, &message)?, &message))?;
            }
        }
        ["read", spec] => {
            let spec = named(spec)?;
            for bytes in io::stdin().lock().lines() {
                match decode(spec, &bytes_of(&bytes?)?) {
                    Ok(message) => writeln!(out, "{}", line(&encode(spec, &message)?, &message))?,
                    Err(error) => writeln!(out, "{error}")?,
                }
            }
        }
        _ => return Err("table SPEC, generate SPEC SEED COUNT, or read SPEC".into()),
    }
    Ok(out.flush()?)
}

fn named(spec: &str) -> Result<&'static Spec, String> {
    match spec {
        "ascii" => Ok(&Spec::ASCII),
        "ebcdic" => Ok(&Spec::EBCDIC),
        "bcd" => Ok(&Spec::BCD),
        _ => Err(format!("the specs are ascii, ebcdic and bcd, not {spec}")),
    }
}

fn line(bytes: &[u8], message: &Message) -> String {
    let mut line = format!("{} {}", hex(bytes), message.mti());
    for (element, value) in message.fields() {
        write!(line, " {}={}", element.number(), hex(value)).expect("a string takes any text");
    }
    line
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes_of(hex: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let byte = |pair: &[u8]| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?);
    hex.as_bytes().chunks(2).map(byte).collect()
}

/// `h` is a header, which there is none of; `t` the type; `p` the first bitmap.
fn table(spec: &Spec) -> String {
    let mut rows = vec![r#""h":{"data_enc":"ascii","len_enc":"ascii","len_type":0,"max_len":0,"desc":""}"#.to_owned()];
    let header = [("t", spec.mti()), ("p", spec.bitmap()), ("1", spec.bitmap())];
    rows.extend(header.iter().map(|(key, format)| row(key, format, "")));
    rows.extend(
        Element::all()
            .map(|element| row(&element.number().to_string(), spec.format(element), element.definition().name)),
    );
    format!("{{{}}}", rows.join(",\n"))
}

fn row(key: &str, format: &Format, name: &str) -> String {
    let charset = |charset| match charset {
        Charset::Ascii => "ascii",
        Charset::Ebcdic => "cp500",
    };
    let is_hex = matches!((format.kind(), format.encoding()), (Kind::Binary, Encoding::Text(_)));
    let maximum = format.length().maximum() * if is_hex { 2 } else { 1 };
    let (value, more) = match format.encoding() {
        Encoding::Text(text) => (charset(text), String::new()),
        Encoding::Binary => ("b", String::new()),
        // The type is counted in bytes there.
        Encoding::Packed(_) if key == "t" => ("b", String::new()),
        Encoding::Packed(Padding::Left(nibble)) => ("b", format!(r#","len_count":"nibbles","left_pad":"{nibble:X}""#)),
        Encoding::Packed(Padding::Right(nibble)) => {
            ("b", format!(r#","len_count":"nibbles","right_pad":"{nibble:X}""#))
        }
    };
    let (prefix, is_text) = match format.prefix() {
        PrefixEncoding::Text(text) => (charset(text), true),
        PrefixEncoding::Packed => ("bcd", false),
        PrefixEncoding::Binary => ("b", false),
    };
    let prefix_bytes = match format.length() {
        Length::Fixed(_) => 0,
        Length::Ll(_) => {
            if is_text {
                2
            } else {
                1
            }
        }
        Length::Lll(_) => {
            if is_text {
                3
            } else {
                2
            }
        }
    };
    format!(
        r#""{key}":{{"data_enc":"{value}","len_enc":"{prefix}","len_type":{prefix_bytes},"max_len":{maximum},"desc":"{name}","kind":"{:?}"{more}}}"#,
        format.kind()
    )
}

/// A message that the spec takes: each element in one of eight.
fn any_message(spec: &Spec, random: &mut Random) -> Message {
    let mti = format!("{:04}", random.below(1_000));
    let mti: [u8; 4] = mti.as_bytes().try_into().expect("four digits");
    let mut message = Message::new(Mti::new(&mti).expect("version 0"));
    for element in Element::all() {
        if random.below(8) == 0 {
            message.set(element, &any_value(spec.format(element), random));
        }
    }
    message
}

fn any_value(format: &Format, random: &mut Random) -> Vec<u8> {
    let length = match format.length() {
        Length::Fixed(length) => length.into(),
        // Most are short, as they are on a link.
        Length::Ll(maximum) | Length::Lll(maximum) if random.below(8) == 0 => random.below(u64::from(maximum) + 1),
        Length::Ll(maximum) | Length::Lll(maximum) => random.below(u64::from(maximum.min(40)) + 1),
    };
    (0..length).map(|place| any_character(format.kind(), place, random)).collect()
}

fn any_character(kind: Kind, place: u64, random: &mut Random) -> u8 {
    let mut one_of = |characters: &[u8]| {
        let place = random.below(u64::try_from(characters.len()).expect("a few"));
        characters[usize::try_from(place).expect("a few")]
    };
    match kind {
        Kind::SignedNumeric if place == 0 => one_of(b"CD"),
        Kind::Numeric | Kind::SignedNumeric => one_of(b"0123456789"),
        Kind::Alphanumeric => one_of(b" 0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
        Kind::AlphanumericSpecial => one_of(&(b' '..=b'~').collect::<Vec<_>>()),
        Kind::Track => one_of(b"0123456789:;<=>?"),
        Kind::Binary => one_of(&(0..=u8::MAX).collect::<Vec<_>>()),
    }
}

/// SplitMix64, a generator in the public domain by Sebastiano Vigna.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}
