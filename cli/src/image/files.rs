//! Files below a directory or in an archive, by name.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use tar::EntryType;

use super::{ImageError, LARGEST_TEXT};

/// What a compressed file begins with: gzip, zstd, xz, bzip2.
const COMPRESSED: [&[u8]; 4] = [&[0x1f, 0x8b], &[0x28, 0xb5, 0x2f, 0xfd], &[0xfd, b'7', b'z', b'X', b'Z'], b"BZh"];

/// How many links to links are followed.
const MOST_LINKS: usize = 4;

/// Files by their names, which have `/` between their parts and never lead outside.
#[derive(Debug)]
pub(super) enum Files {
    /// A directory.
    Directory(PathBuf),
    /// An archive and what is in it.
    Archive {
        /// The archive.
        path: PathBuf,
        /// Where each file lies, or which other one it is.
        entries: BTreeMap<String, Entry>,
    },
}

/// What an archive has under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    /// Bytes.
    File {
        /// Where they begin in the archive.
        offset: u64,
        /// How many there are.
        size: u64,
    },
    /// The same as under another name.
    Link(String),
}

/// Some bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) path: PathBuf,
    pub(super) offset: u64,
    pub(super) size: u64,
}

impl Files {
    /// The files of a directory or an archive; reads an archive's headers once.
    pub(super) fn open(source: &Path) -> Result<Self, ImageError> {
        let failed = |error| ImageError::Read { path: source.to_owned(), source: error };
        if std::fs::metadata(source).map_err(failed)?.is_dir() {
            return Ok(Self::Directory(source.to_owned()));
        }
        let mut file = File::open(source).map_err(failed)?;
        let mut start = Vec::new();
        (&mut file).take(8).read_to_end(&mut start).map_err(failed)?;
        if COMPRESSED.iter().any(|magic| start.starts_with(magic)) {
            return Err(ImageError::Compressed(source.to_owned()));
        }
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        Ok(Self::Archive { path: source.to_owned(), entries: index(file).map_err(failed)? })
    }

    /// Whether there is a file of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Where the file of this name lies.
    pub(super) fn find(&self, name: &str) -> Option<Region> {
        let mut name = inside(Path::new(name))?;
        match self {
            Self::Directory(directory) => {
                let path = directory.join(name);
                let found = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file)?;
                Some(Region { path, offset: 0, size: found.len() })
            }
            Self::Archive { path, entries } => {
                for _ in 0..MOST_LINKS {
                    match entries.get(&name)? {
                        Entry::File { offset, size } => {
                            return Some(Region { path: path.clone(), offset: *offset, size: *size });
                        }
                        Entry::Link(target) => name.clone_from(target),
                    }
                }
                None
            }
        }
    }

    /// The bytes of a file that describes something; none when there is no such file.
    pub(super) fn text(&self, name: &str) -> Result<Option<Vec<u8>>, ImageError> {
        let Some(region) = self.find(name) else {
            return Ok(None);
        };
        if region.size > LARGEST_TEXT {
            return Err(ImageError::TooLarge(name.to_owned()));
        }
        let mut bytes = Vec::new();
        let read = region.open().and_then(|mut file| file.read_to_end(&mut bytes));
        read.map_err(|source| ImageError::Read { path: region.path.clone(), source })?;
        Ok(Some(bytes))
    }
}

impl Region {
    /// Its bytes and no more.
    pub(super) fn open(&self) -> io::Result<io::Take<File>> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.offset))?;
        Ok(file.take(self.size))
    }
}

/// What an archive holds. Where a name comes twice, the last one counts, as for whoever unpacks it.
fn index(file: File) -> io::Result<BTreeMap<String, Entry>> {
    let mut archive = tar::Archive::new(file);
    let mut entries = BTreeMap::new();
    for entry in archive.entries_with_seek()? {
        let entry = entry?;
        let path = entry.path()?.into_owned();
        let Some(name) = inside(&path) else { continue };
        let kind = entry.header().entry_type();
        let found = match kind {
            EntryType::Regular | EntryType::Continuous => {
                Some(Entry::File { offset: entry.raw_file_position(), size: entry.size() })
            }
            EntryType::Symlink => entry.link_name()?.and_then(|target| {
                let beside = path.parent().unwrap_or(Path::new("")).join(target);
                inside(&beside).map(Entry::Link)
            }),
            EntryType::Link => entry.link_name()?.and_then(|target| inside(&target)).map(Entry::Link),
            // Directories and devices hold nothing; the bytes of sparse files do not lie together.
            _ => None,
        };
        if let Some(found) = found {
            entries.insert(name, found);
        }
    }
    Ok(entries)
}

/// The name without `.` and `..`; none when it leads outside, or nowhere.
fn inside(path: &Path) -> Option<String> {
    let mut parts = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::CurDir => {}
            Component::ParentDir => {
                parts.pop()?;
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(build: impl FnOnce(&mut tar::Builder<&File>)) -> (tempfile::NamedTempFile, Files) {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut builder = tar::Builder::new(file.as_file());
        build(&mut builder);
        builder.finish().unwrap();
        drop(builder);
        let files = Files::open(file.path()).unwrap();
        (file, files)
    }

    fn header(kind: EntryType, size: usize) -> tar::Header {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(size as u64);
        header
    }

    fn add(builder: &mut tar::Builder<&File>, name: &str, bytes: &[u8]) {
        builder.append_data(&mut header(EntryType::Regular, bytes.len()), name, bytes).unwrap();
    }

    fn link(builder: &mut tar::Builder<&File>, kind: EntryType, name: &str, target: &str) {
        builder.append_link(&mut header(kind, 0), name, target).unwrap();
    }

    #[test]
    fn files_of_an_archive_are_read_where_they_lie() {
        let long = format!("{}/layer.tar", "n".repeat(150));
        let (_file, files) = archive(|builder| {
            add(builder, "./a", b"first");
            add(builder, &long, &[7; 1000]);
            add(builder, "a", b"second");
        });
        assert_eq!(files.text("a").unwrap().unwrap(), b"second");
        assert_eq!(files.text(&long).unwrap().unwrap(), [7; 1000]);
        assert_eq!(files.text("b").unwrap(), None);
    }

    #[test]
    fn links_inside_an_archive_are_followed_and_others_are_not() {
        let (_file, files) = archive(|builder| {
            add(builder, "one/layer.tar", b"layer");
            link(builder, EntryType::Symlink, "two/layer.tar", "../one/layer.tar");
            link(builder, EntryType::Link, "three", "one/layer.tar");
            link(builder, EntryType::Symlink, "out", "../../etc/passwd");
            link(builder, EntryType::Symlink, "round", "round");
        });
        assert_eq!(files.text("two/layer.tar").unwrap().unwrap(), b"layer");
        assert_eq!(files.text("three").unwrap().unwrap(), b"layer");
        assert!(!files.has("out") && !files.has("round") && !files.has("../one/layer.tar"));
    }

    #[test]
    fn a_compressed_archive_is_told_to_be_one() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), [0x1f, 0x8b, 8, 0]).unwrap();
        assert!(matches!(Files::open(file.path()), Err(ImageError::Compressed(_))));
    }
}
