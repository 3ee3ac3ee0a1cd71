//! Listing a directory tree in the byte order of paths.

use super::version::moment;
use std::fs;
use std::io;
use std::path::Path;

use super::blocking::{is_absent, sort};
use crate::storage::{Entry, ObjectPath, Result};

/// Up to `limit` objects below `directory`, after `after`. Holds the names of one directory per level.
pub(super) fn list(
    root: &Path,
    directory: &ObjectPath,
    after: Option<&ObjectPath>,
    limit: usize,
) -> Result<Vec<Entry>> {
    let after = after.map_or("", ObjectPath::as_str);
    let mut found = Vec::new();
    // A directory's name ends in a slash, as the paths below it go on: so `a-b/x` comes before `a/x`.
    let mut ahead = vec![format!("{directory}/")];
    while found.len() < limit
        && let Some(name) = ahead.pop()
    {
        if name.ends_with('/') {
            if name.as_str() > after || after.starts_with(&name) {
                ahead.extend(children(root, &name).map_err(sort)?);
            }
        } else if name.as_str() > after {
            found.extend(entry(root, &name)?);
        }
    }
    Ok(found)
}

/// What lies in a directory, last first.
fn children(root: &Path, directory: &str) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(root.join(directory)) {
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        let (name, kind) = (entry.file_name(), entry.file_type()?);
        // Whatever a path cannot name is not the store's.
        let Some(path) = name.to_str().filter(|name| name.parse::<ObjectPath>().is_ok()) else { continue };
        if kind.is_dir() {
            names.push(format!("{directory}{path}/"));
        } else if kind.is_file() {
            names.push(format!("{directory}{path}"));
        }
    }
    names.sort_unstable_by(|one, other| other.cmp(one));
    Ok(names)
}

/// The object, unless it has gone or is too deep for a path.
fn entry(root: &Path, name: &str) -> Result<Option<Entry>> {
    let Ok(path) = name.parse() else { return Ok(None) };
    match fs::symlink_metadata(root.join(name)) {
        Ok(metadata) => {
            Ok(metadata.is_file().then_some(Entry { path, size: metadata.len(), modified: moment(&metadata) }))
        }
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(sort(error)),
    }
}
