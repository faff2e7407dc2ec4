//! A connection at work: its statements, prepared once and kept by what they are for.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use rusqlite::{PrepFlags, Row, Statement, params_from_iter};

use crate::session::{Arg, Session};
use crate::sql::Sql;

/// The most statements that are kept; above it all are prepared anew.
const MOST: usize = 256;

/// A connection with its prepared statements. Finding one costs neither its text nor a copy of it.
pub(crate) struct Desk<'s> {
    pub(crate) session: &'s Session,
    statements: RefCell<BTreeMap<Sql, Statement<'s>>>,
}

impl fmt::Debug for Desk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("session", self.session).finish_non_exhaustive()
    }
}

impl<'s> Desk<'s> {
    pub(crate) const fn new(session: &'s Session) -> Self {
        Self { session, statements: RefCell::new(BTreeMap::new()) }
    }

    /// Runs a statement that gives rows.
    pub(crate) fn query<T>(
        &self,
        sql: Sql,
        args: &[Arg<'_>],
        map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>> {
        self.session.count();
        self.with(sql, |statement| statement.query_map(params_from_iter(args), map)?.collect())
    }

    /// Runs a statement that gives no rows; says how many it changed.
    pub(crate) fn execute(&self, sql: Sql, args: &[Arg<'_>]) -> rusqlite::Result<usize> {
        self.session.count();
        self.with(sql, |statement| statement.execute(params_from_iter(args)))
    }

    /// Begins, ends or rolls back; not counted as a statement.
    pub(crate) fn control(&self, sql: Sql) -> rusqlite::Result<()> {
        self.with(sql, |statement| statement.execute([]).map(drop))
    }

    /// Ends the transaction: what it wrote is durable when this returns.
    pub(crate) fn commit(&self) -> rusqlite::Result<()> {
        self.control(Sql::Commit)?;
        self.session.count_commit();
        Ok(())
    }

    /// Gives up the transaction, if there still is one.
    pub(crate) fn roll_back(&self) -> rusqlite::Result<()> {
        if self.session.conn.is_autocommit() { Ok(()) } else { self.control(Sql::RollBack) }
    }

    fn with<T>(
        &self,
        sql: Sql,
        work: impl FnOnce(&mut Statement<'s>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        // Taken out while it runs, so that a statement may run inside another's rows.
        let kept = self.statements.borrow_mut().remove(&sql);
        let mut statement = match kept {
            Some(statement) => statement,
            None => self.prepare(&sql.text())?,
        };
        let done = work(&mut statement);
        // What was bound is let go of with the call.
        statement.clear_bindings();
        let mut statements = self.statements.borrow_mut();
        if statements.len() >= MOST {
            statements.clear();
        }
        statements.insert(sql, statement);
        done
    }

    fn prepare(&self, text: &str) -> rusqlite::Result<Statement<'s>> {
        self.session.conn.prepare_with_flags(text, PrepFlags::SQLITE_PREPARE_PERSISTENT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{blob, text};
    use crate::{migrate, temporary};

    #[test]
    fn a_kept_statement_forgets_what_was_bound_and_survives_a_fault_and_a_flood_of_others() {
        let file = temporary::file();
        let session = temporary::session(&file);
        migrate::migrate(&session).unwrap();
        let desk = Desk::new(&session);
        let mark = |desk: &Desk<'_>, name: &str| -> Vec<String> {
            desk.query(Sql::Mark, &[text(name)], |row| row.get(0)).unwrap()
        };
        desk.execute(Sql::SetMark, &[text("a"), text("1")]).unwrap();
        assert_eq!(mark(&desk, "a"), ["1"]);
        let bound = desk.statements.borrow().get(&Sql::Mark).unwrap().expanded_sql().unwrap();
        assert!(bound.ends_with("NULL"), "nothing is bound any more: {bound}");
        assert!(desk.query(Sql::Mark, &[], |_| Ok(())).is_err());
        assert!(desk.query(Sql::Mark, &[text("a")], |row| row.get::<_, i64>(7)).is_err());
        assert_eq!(mark(&desk, "a"), ["1"]);
        let id = uuid::Uuid::nil();
        for rows in 1..=MOST + 1 {
            let args: Vec<Arg<'_>> = (0..rows).map(|_| blob(&id)).collect();
            assert_eq!(desk.query(Sql::Versions(rows), &args, |_| Ok(())).unwrap().len(), 0);
            assert!(desk.statements.borrow().len() <= MOST);
        }
        assert_eq!(mark(&desk, "a"), ["1"]);
        assert!(desk.execute(Sql::SetMark, &[text("a"), blob(&id)]).is_err(), "it takes text only");
        assert_eq!(mark(&desk, "a"), ["1"]);
    }
}
