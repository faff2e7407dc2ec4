//! The stand-in as a program.

use std::io::Write as _;
use std::process::ExitCode;

use flespi_stand_in::{FlespiStandIn, Options, Place, USAGE};

/// The command line can't be understood.
const BAD_USAGE: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == "--help") {
        say(USAGE.trim_end());
        return ExitCode::SUCCESS;
    }
    let options = match Options::parse(words) {
        Ok(options) => options,
        Err(line) => {
            complain(&line);
            return ExitCode::from(BAD_USAGE);
        }
    };
    let mut stand_in = match FlespiStandIn::serve(&options).await {
        Ok(stand_in) => stand_in,
        Err(error) => {
            complain(&format!("can't listen: {}", error.kind()));
            return ExitCode::FAILURE;
        }
    };
    for place in Place::ALL {
        let url = stand_in.url(place);
        say(&format!("{}  {url}  login page {url}/login/#/providers", place.name()));
    }
    tokio::select! {
        _ = tokio::signal::ctrl_c() => ExitCode::SUCCESS,
        _ = stand_in.ended() => {
            complain("a region has ended");
            ExitCode::FAILURE
        }
    }
}

fn say(line: &str) {
    // Whoever started it may have closed what it prints to.
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn complain(line: &str) {
    let _ = writeln!(std::io::stderr(), "flespi-stand-in: {line}");
}
