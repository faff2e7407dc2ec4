use super::*;
use crate::keyring::tests::{Counting, GOLDEN, golden, now};

#[test]
fn hostile_json_is_refused_without_being_shown() {
    let k1 = r#""key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8""#;
    let cases = [
        (GOLDEN.replace(r#""v": 1"#, r#""v": 2"#), "version 2"),
        (GOLDEN.replace(r#""v": 1,"#, ""), "no keyring from line"),
        (GOLDEN.replace(r#""epoch""#, r#""epok""#), "no keyring from line"),
        (GOLDEN.replace(r#""epoch": 3"#, r#""epoch": -3"#), "no keyring from line"),
        (GOLDEN.replace(r#""current": "k2""#, r#""current": "k3""#), "`current` names none"),
        (GOLDEN.replace("QEFCQ", "QEFC"), "`derive` is not 32 bytes"),
        (GOLDEN.replace(k1, r#""key": "AAEC""#), "key 1 is not 32 bytes"),
        (GOLDEN.replace(r#""id": "k1""#, r#""id": "k2""#), "key 2 was there before"),
        (GOLDEN.replace(r#""id": "k1""#, r#""id": "../k""#), "id of key 1"),
        (GOLDEN.replace(k1, r#""key": {"secret": "hunter2"}"#), "no keyring from line"),
        ("[".repeat(100_000), "no keyring from line"),
        (String::new(), "no keyring from line"),
    ];
    for (text, said) in cases {
        assert_ne!(text, GOLDEN);
        let error = Keyring::from_json(&text).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
        assert!(
            !["AAEC", "QEFC", "ICEi", "hunter2", "k3"].iter().any(|part| error.contains(part)),
            "{error}"
        );
    }
    let empty =
        r#"{"v":1,"epoch":0,"current":"","derive":"QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8","keys":[]}"#;
    assert!(Keyring::from_json(empty).is_err());
}

#[test]
fn a_new_file_is_private_and_read_back() {
    let folder = Folder::new("new");
    let path = folder.0.join("keys.json");
    golden().write_new_file(&path).unwrap();
    assert_eq!(Keyring::from_file(&path).unwrap().to_json().unwrap().expose_secret(), GOLDEN);
    #[cfg(unix)]
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn a_file_that_exists_is_not_written_over() {
    let folder = Folder::new("exists");
    let path = folder.0.join("keys.json");
    fs::write(&path, "mine").unwrap();
    let error = golden().write_new_file(&path).unwrap_err().to_string();
    assert!(error.contains("keys.json") && error.contains("already exists"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
}

#[test]
fn replacing_leaves_one_private_file() {
    let folder = Folder::new("replace");
    let path = folder.0.join("keys.json");
    golden().write_new_file(&path).unwrap();
    let mut rotated = golden();
    rotated.rotate(&Counting::default(), now()).unwrap();
    rotated.replace_file(&path).unwrap();
    assert_eq!(Keyring::from_file(&path).unwrap().current(), rotated.current());
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1);
    #[cfg(unix)]
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn a_missing_or_endless_file_is_named() {
    let folder = Folder::new("missing");
    let path = folder.0.join("nowhere.json");
    let error = Keyring::from_file(&path).unwrap_err().to_string();
    assert!(error.contains("nowhere.json") && error.ends_with("does not exist"), "{error}");
    golden().write_new_file(&path).unwrap();
    fs::write(&path, " ".repeat(65_537)).unwrap();
    assert!(Keyring::from_file(&path).unwrap_err().to_string().ends_with("is longer than 64 KiB"));
    assert!(Keyring::from_file(&folder.0).is_err());
}

#[cfg(unix)]
#[test]
fn a_file_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("open");
    let path = folder.0.join("keys.json");
    golden().write_new_file(&path).unwrap();
    for open in [0o640, 0o604, 0o660, 0o620, 0o601] {
        fs::set_permissions(&path, fs::Permissions::from_mode(open)).unwrap();
        let error = Keyring::from_file(&path).unwrap_err().to_string();
        assert!(error.ends_with("may be read by others, its mode must be 0600"), "{open:o}: {error}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    assert!(Keyring::from_file(&path).is_ok());
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// A folder of the test's own, removed with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("portcullis-keyring-{}-{name}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
