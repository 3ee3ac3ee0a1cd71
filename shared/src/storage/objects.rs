//! Going through all objects below a directory.

use std::collections::VecDeque;

use super::driver::{Entry, StorageDriver};
use super::error::Result;
use super::path::ObjectPath;

/// How many objects are listed at a time.
const PAGE: usize = 1000;

/// Everything below a directory, in byte order. What was given out may be removed meanwhile.
#[derive(Debug)]
pub struct Objects<'a> {
    driver: &'a dyn StorageDriver,
    directory: ObjectPath,
    page: VecDeque<Entry>,
    last: Option<ObjectPath>,
    is_over: bool,
}

impl<'a> Objects<'a> {
    /// What lies below this directory; nothing is asked for yet.
    #[must_use]
    pub fn below(driver: &'a dyn StorageDriver, directory: ObjectPath) -> Self {
        Self { driver, directory, page: VecDeque::new(), last: None, is_over: false }
    }

    /// The next object. Never on a request's path.
    pub async fn next(&mut self) -> Result<Option<Entry>> {
        if self.page.is_empty() && !self.is_over {
            let page = self.driver.list(&self.directory, self.last.as_ref(), PAGE).await?;
            self.is_over = page.len() < PAGE;
            self.last = page.last().map(|entry| entry.path.clone());
            self.page = page.into();
        }
        Ok(self.page.pop_front())
    }
}
