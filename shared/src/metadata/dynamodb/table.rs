//! Making the table, for tests and local set-ups: a deployment's template makes its own.

use std::time::Duration;

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType, TableStatus, TimeToLiveSpecification, TimeToLiveStatus,
};

use super::DynamoDbStore;
use super::error::sorted;
use super::item::{EXPIRES, PK, SK};
use super::sectors::{INDEX, SECTOR};
use crate::metadata::error::{Error, Result};

/// How often a table in the making is asked for.
const PAUSE: Duration = Duration::from_millis(250);

impl DynamoDbStore {
    /// Makes the table unless it exists: on demand, with time to live. Returns when it can be used.
    pub async fn create_table(&self) -> Result<()> {
        let call = self.client.create_table().table_name(&self.table).billing_mode(BillingMode::PayPerRequest);
        let columns = columns().map_err(|error| Error::Failed(error.into()))?;
        let call = call.set_attribute_definitions(Some(columns.0)).set_key_schema(Some(columns.1));
        let call = call.global_secondary_indexes(index().map_err(|error| Error::Failed(error.into()))?);
        match call.send().await {
            Ok(_) => {}
            Err(error) if error.as_service_error().is_some_and(CreateTableError::is_resource_in_use_exception) => {}
            Err(error) => return Err(sorted(error)),
        }
        while !self.is_active().await? {
            tokio::time::sleep(PAUSE).await;
        }
        self.expire_rows().await
    }

    async fn is_active(&self) -> Result<bool> {
        let answer = self.client.describe_table().table_name(&self.table).send().await.map_err(sorted)?;
        Ok(answer.table.is_some_and(|table| table.table_status == Some(TableStatus::Active)))
    }

    async fn expire_rows(&self) -> Result<()> {
        let present = self.client.describe_time_to_live().table_name(&self.table).send().await.map_err(sorted)?;
        let status = present.time_to_live_description.and_then(|description| description.time_to_live_status);
        if matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)) {
            return Ok(());
        }
        let wanted = TimeToLiveSpecification::builder().enabled(true).attribute_name(EXPIRES).build();
        let wanted = wanted.map_err(|error| Error::Failed(error.into()))?;
        let call = self.client.update_time_to_live().table_name(&self.table).time_to_live_specification(wanted);
        call.send().await.map(drop).map_err(sorted)
    }
}

fn columns() -> Result<(Vec<AttributeDefinition>, Vec<KeySchemaElement>), BuildError> {
    let text =
        |name| AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build();
    Ok((vec![text(PK)?, text(SK)?, text(SECTOR)?], vec![key(PK, KeyType::Hash)?, key(SK, KeyType::Range)?]))
}

fn key(name: &str, kind: KeyType) -> Result<KeySchemaElement, BuildError> {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build()
}

/// All blobs by their digests.
fn index() -> Result<GlobalSecondaryIndex, BuildError> {
    GlobalSecondaryIndex::builder()
        .index_name(INDEX)
        .key_schema(key(SECTOR, KeyType::Hash)?)
        .key_schema(key(PK, KeyType::Range)?)
        .projection(Projection::builder().projection_type(ProjectionType::All).build())
        .build()
}
