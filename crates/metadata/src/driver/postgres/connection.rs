//! A pooled connection while an operation has it.

use deadpool_postgres::Object;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use super::{StoreError, fault};
use crate::driver::tx::{Failure, Fault};
use crate::value::{Cell, Row, Value};

/// A connection of the pool. Dropped inside a transaction it is closed, not given back.
pub(crate) struct Connection {
    client: Option<Object>,
    in_transaction: bool,
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.in_transaction
            && let Some(client) = self.client.take()
        {
            drop(Object::take(client));
        }
    }
}

impl Connection {
    pub(super) fn new(client: Object) -> Self {
        Self { client: Some(client), in_transaction: false }
    }

    pub(super) async fn begin(&mut self, statement: &'static str) -> Result<(), StoreError> {
        self.in_transaction = true;
        self.client()?.batch_execute(statement).await.map_err(|e| fault(&e))
    }

    pub(super) async fn end(&mut self, statement: &'static str) -> Result<(), StoreError> {
        self.client()?.batch_execute(statement).await.map_err(|e| fault(&e))?;
        self.in_transaction = false;
        Ok(())
    }

    pub(in crate::driver) async fn execute(
        &mut self,
        sql: &str,
        args: &[Value],
    ) -> Result<u64, Failure> {
        let client = self.client()?;
        let statement = client.prepare_cached(sql).await.map_err(|e| failure(&e))?;
        client.execute(&statement, &parameters(args)).await.map_err(|e| failure(&e))
    }

    pub(in crate::driver) async fn rows(
        &mut self,
        sql: &'static str,
        clause: &'static str,
        args: &[Value],
    ) -> Result<Vec<Row>, Failure> {
        let client = self.client()?;
        let statement = if clause.is_empty() {
            client.prepare_cached(sql).await
        } else {
            client.prepare_cached(&format!("{sql}{clause}")).await
        }
        .map_err(|e| failure(&e))?;
        let rows = client.query(&statement, &parameters(args)).await.map_err(|e| failure(&e))?;
        rows.iter().map(|row| decoded(sql, row)).collect()
    }

    fn client(&self) -> Result<&Object, StoreError> {
        self.client.as_ref().ok_or_else(|| StoreError::Internal("no connection".to_owned()))
    }
}

fn parameters(args: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    args.iter().map(|arg| arg as &(dyn ToSql + Sync)).collect()
}

fn failure(error: &tokio_postgres::Error) -> Failure {
    let retry = [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED];
    let retry = error.code().is_some_and(|state| retry.contains(state));
    Failure { fault: if retry { Fault::Retry } else { Fault::Final }, error: fault(error) }
}

fn decoded(sql: &'static str, row: &tokio_postgres::Row) -> Result<Row, Failure> {
    let cells = (0..row.len()).map(|index| cell(row, index)).collect::<Result<_, _>>();
    cells.map(|cells| Row { sql, cells }).map_err(Failure::from)
}

fn cell(row: &tokio_postgres::Row, index: usize) -> Result<Cell, StoreError> {
    let kind = row.columns().get(index).map(tokio_postgres::Column::type_);
    let int = |number: Option<i64>| number.map_or(Cell::Null, Cell::Int);
    match kind {
        Some(&Type::INT8) => row.try_get(index).map(int),
        Some(&Type::INT4) => {
            row.try_get::<_, Option<i32>>(index).map(|number| int(number.map(i64::from)))
        }
        Some(&Type::BOOL) => {
            row.try_get::<_, Option<bool>>(index).map(|truth| int(truth.map(i64::from)))
        }
        Some(&(Type::TEXT | Type::VARCHAR | Type::NAME)) => {
            row.try_get::<_, Option<String>>(index).map(|text| text.map_or(Cell::Null, Cell::Text))
        }
        _ => {
            return Err(StoreError::Internal(format!(
                "column {index} is neither TEXT nor BIGINT; cast it"
            )));
        }
    }
    .map_err(|e| fault(&e))
}

impl ToSql for Value {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match (self, kind) {
            (Self::NullText | Self::NullInt, _) => Ok(IsNull::Yes),
            (Self::Text(text), &(Type::TEXT | Type::VARCHAR | Type::NAME)) => {
                text.to_sql(kind, out)
            }
            (Self::Int(number), &Type::INT8) => number.to_sql(kind, out),
            (Self::Int(number), &Type::INT4) => i32::try_from(*number)?.to_sql(kind, out),
            (Self::Text(_) | Self::Int(_), _) => {
                Err(format!("an argument of another type than {kind}; cast the parameter").into())
            }
        }
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::TEXT | Type::VARCHAR | Type::NAME | Type::INT8 | Type::INT4)
    }

    to_sql_checked!();
}
