//! Card numbers, found in whatever way they may be written down.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

/// So many bytes of a form tell whether it is worth a look.
const HEAD: usize = 4;

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// A number and one way to write it.
#[derive(Clone, Debug)]
struct Form {
    pan: String,
    written: &'static str,
    bytes: Vec<u8>,
}

/// Numbers to be found.
pub(crate) struct Needles {
    forms: HashMap<[u8; HEAD], Vec<Form>>,
    /// By the first two bytes: most of what is searched needs no closer look.
    begins: Vec<bool>,
}

impl Needles {
    pub(crate) fn of<'a>(pans: impl IntoIterator<Item = &'a str>) -> Self {
        let mut needles = Self { forms: HashMap::new(), begins: vec![false; 1 << 16] };
        for pan in pans {
            for (written, bytes) in forms(pan).into_iter().filter(|(_, bytes)| !is_mostly_zeros(bytes)) {
                let head: [u8; HEAD] = *bytes.first_chunk().expect("no form is so short");
                needles.begins[first_two(head)] = true;
                needles.forms.entry(head).or_default().push(Form { pan: pan.to_owned(), written, bytes });
            }
        }
        needles
    }

    /// What is in these bytes: each number with how it is written.
    pub(crate) fn find(&self, haystack: &[u8]) -> Vec<(String, &'static str)> {
        let mut found = Vec::new();
        for (at, head) in heads(haystack).filter(|(_, head)| self.begins[first_two(*head)]) {
            let Some(forms) = self.forms.get(&head) else { continue };
            let here = forms.iter().filter(|form| haystack[at..].starts_with(&form.bytes));
            found.extend(here.map(|form| (form.pan.clone(), form.written)));
        }
        found
    }

    /// What is in the files of a directory, and in the names of the files.
    pub(crate) fn find_in_files(&self, directory: &Path) -> Vec<(PathBuf, String, &'static str)> {
        let mut found = Vec::new();
        for entry in fs::read_dir(directory).expect("it is there") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                found.extend(self.find_in_files(&path));
                continue;
            }
            let mut bytes = fs::read(&path).expect("it can be read");
            bytes.extend_from_slice(path.to_string_lossy().as_bytes());
            found.extend(self.find(&bytes).into_iter().map(|(pan, written)| (path.clone(), pan, written)));
        }
        found
    }
}

fn heads(haystack: &[u8]) -> impl Iterator<Item = (usize, [u8; HEAD])> {
    haystack.windows(HEAD).filter_map(|window| window.first_chunk().copied()).enumerate()
}

fn first_two([first, second, ..]: [u8; HEAD]) -> usize {
    u16::from_be_bytes([first, second]).into()
}

/// The ways to write a number. What stands beside it in a byte, or in a letter of base64, is left out.
fn forms(pan: &str) -> Vec<(&'static str, Vec<u8>)> {
    let digits = pan.as_bytes();
    let listed: Vec<String> = digits.iter().map(ToString::to_string).collect();
    let mut forms = vec![
        ("ASCII", digits.to_vec()),
        ("EBCDIC", digits.iter().map(|digit| digit | 0xf0).collect()),
        // Without the outer zeros it is the same in both orders of bytes.
        ("UTF-16", digits.iter().flat_map(|digit| [0, *digit]).skip(1).collect()),
        ("hexadecimal", digits.iter().flat_map(|digit| format!("{digit:x}").into_bytes()).collect()),
        ("a list", listed.join(", ").into_bytes()),
        ("packed", packed(digits)),
        ("packed, from the second half of a byte", packed(&digits[1..])),
        ("packed, filled with F", packed(&[digits, b"?"].concat())),
        ("packed, behind F", packed(&[b"?", digits].concat())),
    ];
    for (skipped, written) in [(0, "base64"), (1, "base64, from the third byte"), (2, "base64, from the second byte")] {
        forms.push((written, base64(&digits[skipped..])));
    }
    forms
}

/// Two small numbers side by side look the same.
fn is_mostly_zeros(bytes: &[u8]) -> bool {
    bytes.iter().filter(|byte| **byte == 0).count() * 2 > bytes.len()
}

/// Two digits a byte, as far as they are pairs; `?` is F, as its low half is.
fn packed(digits: &[u8]) -> Vec<u8> {
    digits.as_chunks().0.iter().map(|[high, low]| (high & 0xf) << 4 | low & 0xf).collect()
}

/// Four letters for three bytes, as far as there are three.
fn base64(bytes: &[u8]) -> Vec<u8> {
    let letters = |[first, second, third]: &[u8; 3]| {
        let bits = u32::from_be_bytes([0, *first, *second, *third]);
        [18, 12, 6, 0].map(|shift| BASE64[usize::try_from(bits >> shift & 63).expect("six bits")])
    };
    bytes.as_chunks().0.iter().flat_map(letters).collect()
}

#[test]
fn a_number_is_found_however_it_is_written() {
    let pan = "4000056655665556";
    let needles = Needles::of([pan, "378282246310005"]);
    for (written, bytes) in [
        ("ASCII", &b"pan=4000056655665556."[..]),
        ("EBCDIC", b"\xf4\xf0\xf0\xf0\xf0\xf5\xf6\xf6\xf5\xf5\xf6\xf6\xf5\xf5\xf5\xf6"),
        ("UTF-16", b"4\x000\x000\x000\x000\x005\x006\x006\x005\x005\x006\x006\x005\x005\x005\x006\x00"),
        ("UTF-16", b"\x004\x000\x000\x000\x000\x005\x006\x006\x005\x005\x006\x006\x005\x005\x005\x006"),
        ("hexadecimal", b"34303030303536363535363635353536"),
        ("a list", b"[52, 48, 48, 48, 48, 53, 54, 54, 53, 53, 54, 54, 53, 53, 53, 54]"),
        ("packed", b"\x16\x40\x00\x05\x66\x55\x66\x55\x56"),
        ("packed, filled with F", b"\x37\x82\x82\x24\x63\x10\x00\x5f"),
        ("packed, behind F", b"\xf3\x78\x28\x22\x46\x31\x00\x05"),
        ("packed, from the second half of a byte", b"\x84\x00\x00\x56\x65\x56\x65\x55\x6f"),
        ("base64", b"NDAwMDA1NjY1NTY2NTU1Ng=="),
        ("base64, from the second byte", b"LjQwMDAwNTY2NTU2NjU1NTYu"),
        ("base64, from the third byte", b"Li40MDAwMDU2NjU1NjY1NTU2"),
    ] {
        let found = needles.find(bytes);
        assert!(found.iter().any(|(_, how)| *how == written), "{written}: {found:?}");
    }
    assert_eq!(needles.find(b"400005665566555 378282246310006 4000-0566-5566-5556"), []);
}
