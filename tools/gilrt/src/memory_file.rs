//! Files that exist in memory only, for modules that read and write pictures by path, and for what processes share.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::fd::{AsRawFd, FromRawFd};

use crate::failure::{Failure, reason};

/// An open file without a place in the file system; it is gone when it is dropped. The processes that the tool starts meanwhile
/// inherit it under the same number, so that its path is good for them as well.
pub struct MemoryFile {
    file: File,
}

impl MemoryFile {
    /// A file that holds these bytes.
    pub fn new(content: &[u8]) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            Failure::Failed(format!("cannot make a file in memory: {}", reason(&error)))
        };
        // SAFETY: the name is a C string with static lifetime; the call takes no other pointer.
        let descriptor = unsafe { libc::memfd_create(c"gilrt".as_ptr(), 0) };
        if descriptor < 0 {
            return Err(failed(std::io::Error::last_os_error()));
        }
        // SAFETY: the descriptor was opened by the call above, and nothing else owns it.
        let mut file = unsafe { File::from_raw_fd(descriptor) };
        file.write_all(content).map_err(failed)?;
        Ok(Self { file })
    }

    pub fn file(&self) -> &File {
        &self.file
    }

    /// A path under which this process and those that it starts can open the file, as long as it lives.
    pub fn path(&self) -> String {
        format!("/proc/self/fd/{}", self.file.as_raw_fd())
    }

    /// Makes it a file that holds nothing.
    pub fn clear(&self) -> Result<(), Failure> {
        self.file
            .set_len(0)
            .map_err(|error| Failure::Failed(format!("cannot empty a file in memory: {}", reason(&error))))
    }

    /// All that the file holds now.
    pub fn content(&self) -> Result<Vec<u8>, Failure> {
        let mut content = Vec::new();
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))
            .and_then(|_| file.read_to_end(&mut content))
            .map_err(|error| Failure::Failed(format!("cannot read the result back: {}", reason(&error))))?;
        Ok(content)
    }
}
