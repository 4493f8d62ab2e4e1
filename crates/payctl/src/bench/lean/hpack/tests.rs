use super::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap()).collect()
}

fn decoded(decoder: &mut Decoder, block: &[u8]) -> Result<Vec<(Name, String)>, Fault> {
    let mut told = Vec::new();
    decoder.decode(block, |name, value| told.push((name, String::from_utf8_lossy(value).into_owned())))?;
    Ok(told)
}

fn header(name: &'static str, value: &str, keeping: Keeping) -> Header {
    Header { name, value: value.to_owned(), keeping }
}

/// RFC 7541, C.6: three replies with Huffman strings and a table of 256 bytes from which entries fall out.
#[test]
fn the_replies_of_the_standard_decode() {
    let mut decoder = Decoder::new();
    decoder.resize(256).unwrap();
    let replies = [
        (
            "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 \
             8f0b 97c8 e9ae 82ae 43d3",
            "302",
            "https://www.example.com",
            222,
        ),
        ("4883 640e ffc1 c0bf", "307", "https://www.example.com", 222),
        (
            "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 \
             dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
            "200",
            "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
            215,
        ),
    ];
    for (block, status, last, table_bytes) in replies {
        let told = decoded(&mut decoder, &hex(block)).unwrap();
        assert_eq!(told[0], (Name::HttpStatus, status.to_owned()));
        assert_eq!(told.last().unwrap().1, last);
        assert_eq!(decoder.table_bytes, table_bytes);
    }
}

#[test]
fn what_was_encoded_decodes_at_first_and_by_index() {
    let headers = [
        header(":method", "POST", Keeping::Kept),
        header("grpc-message", "kept", Keeping::Kept),
        header("authorization", &"s".repeat(300), Keeping::Never),
        header("grpc-status", "0", Keeping::Kept),
    ];
    let (mut encoder, mut decoder) = (Encoder::new(), Decoder::new());
    let mut lengths = Vec::new();
    for _ in 0..3 {
        let mut block = Vec::new();
        encoder.encode(&headers, &mut block);
        let told = decoded(&mut decoder, &block).unwrap();
        assert_eq!(told[1], (Name::GrpcMessage, "kept".to_owned()));
        assert_eq!(told[2].1.len(), 300);
        assert_eq!(told[3], (Name::GrpcStatus, "0".to_owned()));
        lengths.push(block.len());
    }
    assert!(lengths[0] > lengths[1] && lengths[1] == lengths[2], "{lengths:?}");
    assert_eq!(decoder.table.len(), 2, "a secret is not kept");
}

#[test]
fn a_table_without_room_is_done_without() {
    let kept = [header("grpc-message", "kept", Keeping::Kept)];
    let (mut encoder, mut decoder) = (Encoder::new(), Decoder::new());
    for step in 0..4 {
        if step == 2 {
            encoder.limit(100);
        }
        let mut block = Vec::new();
        encoder.encode(&kept, &mut block);
        assert_eq!(block.first() == Some(&0x20), step == 2, "an emptied table is told once");
        assert_eq!(decoded(&mut decoder, &block).unwrap(), [(Name::GrpcMessage, "kept".to_owned())]);
        assert_eq!(decoder.table.len(), usize::from(step < 2));
    }
    let mut encoder = Encoder::new();
    let large = [header("grpc-message", &"x".repeat(TABLE_BYTES), Keeping::Kept)];
    encoder.encode(&large, &mut Vec::new());
    assert_eq!(encoder.table.len(), 0, "what does not fit is sent each time");
}

#[test]
fn what_is_no_header_block_is_refused() {
    for block in ["80", "be", "ff", "ffff ffff ff", "40", "4003 61", "0083 ff", "3fff 7f", "4085 ffff ffff ff 00"] {
        assert!(decoded(&mut Decoder::new(), &hex(block)).is_err(), "{block}");
    }
}
