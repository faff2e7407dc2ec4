//! Where the stand-in is to listen.

use std::net::SocketAddr;

/// What `--help` prints.
pub const USAGE: &str = "\
usage: flespi-stand-in [OPTIONS]

  --eu ADDR  where the region eu listens, loopback only, port 0 picks one (127.0.0.1:8090)
  --ru ADDR  where the region ru listens (127.0.0.1:8091)
";

/// Where each region listens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "an address for each region, for tests to write down")]
pub struct Options {
    /// Where `eu` listens.
    pub eu: SocketAddr,
    /// Where `ru` listens.
    pub ru: SocketAddr,
}

impl Default for Options {
    fn default() -> Self {
        let loopback = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Self { eu: loopback(8090), ru: loopback(8091) }
    }
}

impl Options {
    /// Reads a command line, without the name of the program.
    ///
    /// ```
    /// use flespi_stand_in::Options;
    /// let options = Options::parse(["--eu", "127.0.0.1:9000"].map(String::from)).unwrap();
    /// assert_eq!((options.eu.port(), options.ru.port()), (9000, 8091));
    /// assert!(Options::parse(["--eu", "10.0.0.1:9000"].map(String::from)).is_err());
    /// ```
    ///
    /// # Errors
    /// One line that names what is not understood.
    pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        let mut words = words.into_iter();
        while let Some(name) = words.next() {
            let place = match name.as_str() {
                "--eu" => &mut options.eu,
                "--ru" => &mut options.ru,
                _ => return Err("there is no such option, see --help".to_owned()),
            };
            let address = words.next().and_then(|word| word.parse::<SocketAddr>().ok());
            let address = address.filter(|address| address.ip().is_loopback());
            *place = address.ok_or_else(|| format!("{name} must be followed by an address of loopback"))?;
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_understood_is_named() {
        for (words, told) in [
            (vec!["--eu"], "--eu must be followed by an address of loopback"),
            (vec!["--ru", "localhost"], "--ru must be followed by an address of loopback"),
            (vec!["--ru", "0.0.0.0:1"], "--ru must be followed by an address of loopback"),
            (vec!["--listen", "127.0.0.1:1"], "there is no such option, see --help"),
        ] {
            assert_eq!(Options::parse(words.into_iter().map(str::to_owned)), Err(told.to_owned()));
        }
        assert_eq!(Options::parse([]), Ok(Options::default()));
    }
}
