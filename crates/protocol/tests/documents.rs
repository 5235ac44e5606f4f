//! The document of the wire names everything that the code does.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use hubbub_protocol::{ClientFrame, CloseCode, ErrorCode};

fn document() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/PROTOCOL.md");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn every_error_code_is_described_with_its_status() {
    let document = document();
    for code in ErrorCode::ALL {
        let word = format!("`{code}`");
        let is_its_row = |line: &&str| {
            line.split('|').nth(1).is_some_and(|codes| codes.contains(&word))
                && line.split('|').nth(2).is_some_and(|status| status.trim().parse::<u16>().is_ok())
        };
        let row = document.lines().find(is_its_row);
        let row = row.unwrap_or_else(|| panic!("{code} is not in the table of errors"));
        let status = format!("| {} |", code.status());
        assert!(row.contains(&status), "{code} has status {}: {row}", code.status());
    }
}

#[test]
fn every_close_code_is_described() {
    let document = document();
    for code in CloseCode::ALL {
        let row = format!("| {} | `{}` |", code.code(), code.reason());
        assert!(document.contains(&row), "{row}");
    }
}

#[test]
fn every_frame_of_a_client_is_described() {
    let document = document();
    for kind in ClientFrame::TYPES {
        assert!(document.contains(&format!("| `{kind}` |")), "{kind}");
    }
}
