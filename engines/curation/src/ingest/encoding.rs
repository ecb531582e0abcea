//! From bytes to UTF-8 text.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::error::Problem;

/// The text, and how it was encoded.
#[derive(Debug)]
pub(super) struct Decoded<'a> {
    /// The text without byte order mark.
    pub(super) text: Cow<'a, str>,
    /// The encoding's name.
    pub(super) encoding: &'static str,
    /// Why this encoding.
    pub(super) reason: String,
}

/// A refusal with the byte of the decoded or raw text where it happened.
pub(super) type Refused = (usize, Problem);

/// Decodes by the label that was given, else by byte order mark, else as UTF-8, else as Windows-1252 (a
/// superset of Latin-1's printable characters).
pub(super) fn decode<'a>(input: &'a [u8], label: Option<&str>) -> Result<Decoded<'a>, Refused> {
    if let Some(label) = label {
        return decode_labelled(input, label);
    }
    if let Some((encoding, length)) = Encoding::for_bom(input) {
        return decode_as(
            &input[length..],
            encoding,
            format!("the file begins with the byte order mark of {}", encoding.name()),
        );
    }
    refuse_other_formats(input)?;
    match std::str::from_utf8(input) {
        Ok(text) => {
            let reason = if text.is_ascii() { "all bytes are ASCII" } else { "the bytes are valid UTF-8" };
            Ok(Decoded { text: Cow::Borrowed(text), encoding: "UTF-8", reason: reason.to_owned() })
        }
        Err(error) => decode_legacy(input, error.valid_up_to()),
    }
}

fn decode_labelled<'a>(input: &'a [u8], label: &str) -> Result<Decoded<'a>, Refused> {
    let Some(encoding) = Encoding::for_label(label.as_bytes()) else {
        return Err((0, Problem::UnknownEncoding { name: super::error::shorten(label) }));
    };
    let skip = Encoding::for_bom(input).filter(|(found, _)| *found == encoding).map_or(0, |(_, length)| length);
    decode_as(&input[skip..], encoding, "given by --encoding".to_owned())
}

fn decode_as<'a>(input: &'a [u8], encoding: &'static Encoding, reason: String) -> Result<Decoded<'a>, Refused> {
    match encoding.decode_without_bom_handling_and_without_replacement(input) {
        Some(text) => {
            refuse_nul(text.as_bytes(), encoding.name())?;
            Ok(Decoded { text, encoding: encoding.name(), reason })
        }
        None => {
            let (lossy, _) = encoding.decode_without_bom_handling(input);
            let at = lossy.find('\u{fffd}').unwrap_or(0);
            let row = lossy.as_bytes()[..at].iter().filter(|b| **b == b'\n').count();
            // The place is counted in the raw bytes' lines, so it is translated to a byte with as many lines before it.
            let raw = nth_line_start(input, row);
            let detail = "some bytes stand for no character".to_owned();
            Err((raw, Problem::WrongEncoding { encoding: encoding.name().to_owned(), detail }))
        }
    }
}

fn nth_line_start(input: &[u8], lines: usize) -> usize {
    let breaks = input.iter().enumerate().filter(|(_, b)| **b == b'\n');
    // Byte 0 would say that the place is not known; the second byte is in the first line as well.
    if lines == 0 { 1 } else { breaks.map(|(i, _)| i + 1).nth(lines - 1).unwrap_or(1) }
}

/// Text that is not UTF-8. A file that has many good multi-byte sequences and a few broken ones is damaged
/// UTF-8, not Windows-1252: reading it as such would turn every accent into two wrong letters.
fn decode_legacy(input: &[u8], first_broken: usize) -> Result<Decoded<'_>, Refused> {
    let (sequences, broken) = count_sequences(input);
    if sequences > broken {
        let detail = format!("{broken} broken characters among {sequences} good ones");
        return Err((first_broken, Problem::WrongEncoding { encoding: "UTF-8".into(), detail }));
    }
    // The five bytes that Windows-1252 leaves without a character betray another encoding.
    if let Some(at) = input.iter().position(|b| matches!(b, 0x81 | 0x8d | 0x8f | 0x90 | 0x9d)) {
        let detail = format!("byte 0x{:02x} stands for no character", input[at]);
        return Err((at, Problem::WrongEncoding { encoding: "UTF-8 or Windows-1252".into(), detail }));
    }
    let (text, _) = WINDOWS_1252.decode_without_bom_handling(input);
    let high = input.iter().filter(|b| **b >= 0x80).count();
    let reason = format!("{high} bytes are not valid UTF-8 and are letters of Windows-1252 (Latin-1)");
    Ok(Decoded { text, encoding: "windows-1252", reason })
}

/// Valid multi-byte UTF-8 sequences, and places where the bytes are not UTF-8.
fn count_sequences(mut input: &[u8]) -> (usize, usize) {
    let (mut sequences, mut broken) = (0, 0);
    loop {
        match std::str::from_utf8(input) {
            Ok(text) => return (sequences + multi_byte(text), broken),
            Err(error) => {
                let good = &input[..error.valid_up_to()];
                sequences += std::str::from_utf8(good).map_or(0, multi_byte);
                broken += 1;
                let skip = error.valid_up_to() + error.error_len().unwrap_or(1);
                input = &input[skip.min(input.len())..];
            }
        }
    }
}

fn multi_byte(text: &str) -> usize {
    text.bytes().filter(|b| *b >= 0xc0).count()
}

fn refuse_other_formats(input: &[u8]) -> Result<(), Refused> {
    const MAGIC: [(&[u8], &str); 8] = [
        (b"PK\x03\x04", "it is a ZIP archive or an Excel workbook"),
        (b"\xd0\xcf\x11\xe0", "it is an old Excel workbook"),
        (b"\x1f\x8b", "it is compressed with gzip"),
        (b"\x28\xb5\x2f\xfd", "it is compressed with zstd"),
        (b"BZh", "it is compressed with bzip2"),
        (b"PAR1", "it is a Parquet file"),
        (b"%PDF", "it is a PDF document"),
        (b"\x89HDF", "it is an HDF5 file"),
    ];
    if let Some((_, found)) = MAGIC.iter().find(|(magic, _)| input.starts_with(magic)) {
        return Err((0, Problem::NotCsv { found: (*found).to_owned() }));
    }
    let start = input.trim_ascii_start();
    let found = match start.first() {
        Some(b'{') => "it looks like JSON",
        Some(b'[') if start.get(1).is_some_and(|b| matches!(b, b'{' | b'[' | b'\n' | b' ')) => "it looks like JSON",
        Some(b'<') => "it looks like HTML or XML",
        _ => return refuse_nul(input, UTF_8.name()),
    };
    Err((0, Problem::NotCsv { found: found.to_owned() }))
}

fn refuse_nul(input: &[u8], read_as: &str) -> Result<(), Refused> {
    // The standard library looks for a byte many times faster than a closure does.
    if !input.contains(&0) {
        return Ok(());
    }
    let at = input.iter().position(|b| *b == 0).unwrap_or(0);
    let head = &input[..input.len().min(4096)];
    let nul_at = |odd: usize| head.iter().skip(odd).step_by(2).filter(|b| **b == 0).count() * 10 > head.len() * 3;
    let wide = match (nul_at(1), nul_at(0)) {
        (true, false) => UTF_16LE,
        (false, true) => UTF_16BE,
        _ => return Err((at, Problem::NotCsv { found: "it holds zero bytes, as binary files do".to_owned() })),
    };
    let detail = format!("it looks like {} without a byte order mark", wide.name());
    Err((at, Problem::WrongEncoding { encoding: read_as.to_owned(), detail }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_usual_encoding_gives_the_same_text() {
        let text = "date;n°\n2024-01-01;é\n";
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
        let cases: [(Vec<u8>, &str); 4] = [
            (text.as_bytes().to_vec(), "UTF-8"),
            ([b"\xef\xbb\xbf", text.as_bytes()].concat(), "UTF-8"),
            ([b"\xff\xfe".to_vec(), utf16].concat(), "UTF-16LE"),
            (latin, "windows-1252"),
        ];
        for (bytes, encoding) in cases {
            let decoded = decode(&bytes, None).unwrap();
            assert_eq!((decoded.text.as_ref(), decoded.encoding), (text, encoding));
        }
    }

    #[test]
    fn damaged_utf8_is_not_taken_for_latin_1() {
        let bytes = [b"date,caf\xc3\xa9 \xc3\xa0 la cr\xc3\xa8me\n1,2\n3,\xc3 x\n".as_slice()].concat();
        let (at, problem) = decode(&bytes, None).unwrap_err();
        assert!(matches!(problem, Problem::WrongEncoding { .. }));
        assert_eq!(bytes[..at].iter().filter(|b| **b == b'\n').count(), 2);
    }

    #[test]
    fn other_formats_are_named() {
        for (bytes, word) in [
            (b"PK\x03\x04rest".as_slice(), "Excel"),
            (b" {\"a\": 1}", "JSON"),
            (b"<!doctype html>", "HTML"),
            (b"a,b\n1,\x002\n", "zero bytes"),
            (b"a\0,\0b\0\n\0", "UTF-16LE"),
        ] {
            let (_, problem) = decode(bytes, None).unwrap_err();
            assert!(problem.to_string().contains(word), "{problem}");
        }
    }
}
