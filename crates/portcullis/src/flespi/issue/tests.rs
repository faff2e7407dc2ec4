use super::*;
use crate::fixture::*;
use crate::secret::FlespiToken;

#[test]
fn a_login_is_removed_only_when_no_call_by_it_can_be_under_way() {
    let account = account(1);
    let mut connection = FlespiConnection::new(uuid(90), account.id, user(2, &account).id, began());
    let region = RegionName::parse("eu").unwrap();
    let login = FlespiToken::parse("a".repeat(64)).unwrap();
    let sealed = connection.owner().seal(Use::Login, &region, &login, &keyring(), [1; 24]);
    for quiet_at in [began() - TICK, began() + TICK] {
        connection.connecting = Some(Connecting {
            operation: uuid(91),
            region: region.clone(),
            sealed: sealed.clone(),
            began_at: began(),
            credential_version: 0,
            lifts: 0,
            attempt: 1,
            quiet_at,
            tries: 0,
        });
        abandon(&mut connection, began());
        let left = connection.leftovers.pop().unwrap();
        assert_eq!(left.not_before, quiet_at.max(began()));
        assert!(left.unsure && left.by.iter().all(|by| by.goes), "the login goes in the end");
        assert!(connection.connecting.is_none());
    }
}
