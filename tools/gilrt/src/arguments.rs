//! The arguments of a module's function. Modules read and write raw PPM; whoever runs them has PNG files, so those are
//! decoded before the run and encoded after it, and the module is given files in memory.

use std::ffi::{CString, OsString};
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, reason};
use crate::memory_file::MemoryFile;
use crate::picture::Picture;

/// The arguments as the function is to see them, and what became of the PNG files among them.
pub struct Arguments {
    pub values: Vec<CString>,
    stand_ins: Vec<StandIn>,
}

/// A file in memory that the function sees instead of a PNG file.
struct StandIn {
    file: MemoryFile,
    png: PathBuf,
    is_result: bool,
}

impl Arguments {
    /// A first argument that ends in `.png` is a picture to read, later ones are results to write; all else stays as it is.
    pub fn prepare(given: &[OsString]) -> Result<Self, Failure> {
        let mut values = Vec::new();
        let mut stand_ins = Vec::new();
        for (at, argument) in given.iter().enumerate() {
            let path = Path::new(argument);
            let value = if is_png(path) {
                let is_result = at > 0;
                let file = if is_result { empty_result(path)? } else { decoded(path)? };
                let value = file.path().into_bytes();
                stand_ins.push(StandIn { file, png: path.to_owned(), is_result });
                value
            } else {
                argument.clone().into_vec()
            };
            values.push(
                CString::new(value)
                    .map_err(|_| Failure::Usage("an argument cannot hold a NUL byte".to_owned()))?,
            );
        }
        Ok(Self { values, stand_ins })
    }

    /// Forgets what an earlier run has written into the results.
    pub fn clear_results(&self) -> Result<(), Failure> {
        self.results().try_for_each(|result| result.file.clear())
    }

    /// What the function has written into the results, as raw PPM.
    pub fn result_contents(&self) -> Result<Vec<Vec<u8>>, Failure> {
        self.results().map(|result| result.file.content()).collect()
    }

    /// The names of the results, as the user gave them.
    pub fn result_names(&self) -> Vec<String> {
        self.results().map(|result| result.png.display().to_string()).collect()
    }

    fn results(&self) -> impl Iterator<Item = &StandIn> {
        self.stand_ins.iter().filter(|stand_in| stand_in.is_result)
    }

    /// Writes the results as PNG; the pictures that were only read stay untouched.
    pub fn write_results(&self) -> Result<(), Failure> {
        for stand_in in self.results() {
            let png = stand_in.png.display();
            let ppm = stand_in.file.content()?;
            if ppm.is_empty() {
                return Err(Failure::Failed(format!(
                    "{png} is not written: the function wrote no picture there"
                )));
            }
            let picture = Picture::from_ppm(&ppm).map_err(|why| {
                Failure::Failed(format!("{png} is not written: the function's result is no raw PPM: {why}"))
            })?;
            write_png(&picture, &stand_in.png)?;
        }
        Ok(())
    }

    /// A sentence of the module in the user's terms: the names of the files given instead of those in memory.
    pub fn in_users_terms(&self, sentence: &str) -> String {
        let mut names: Vec<(String, String)> =
            self.stand_ins.iter().map(|it| (it.file.path(), it.png.display().to_string())).collect();
        // The longest first: /proc/self/fd/1 begins /proc/self/fd/12.
        names.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        names.iter().fold(sentence.to_owned(), |text, (path, png)| text.replace(path, png))
    }
}

/// Writes the picture; what lies there is replaced only once the new file is complete.
pub fn write_png(picture: &Picture, path: &Path) -> Result<(), Failure> {
    let failed = |why: String| Failure::Failed(format!("cannot write {}: {why}", path.display()));
    let mut partial = path.as_os_str().to_owned();
    partial.push(format!(".{}.part", std::process::id()));
    let partial = PathBuf::from(partial);
    let written = File::create(&partial).map_err(|error| reason(&error)).and_then(|file| {
        let mut output = BufWriter::new(file);
        picture.write_png(&mut output).map_err(|error| match error {
            png::EncodingError::IoError(error) => reason(&error),
            other => other.to_string(),
        })?;
        output.flush().map_err(|error| reason(&error))?;
        std::fs::rename(&partial, path).map_err(|error| reason(&error))
    });
    written.map_err(|why| {
        // It may never have come into being.
        let _ = std::fs::remove_file(&partial);
        failed(why)
    })
}

/// A result that could not be written in the end is refused before the work begins.
pub fn check_result(path: &Path) -> Result<(), Failure> {
    if path.is_dir() {
        return Err(Failure::Usage(format!(
            "{} is a folder; give the name of a file to write",
            path.display()
        )));
    }
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if folder.is_dir() {
        return Ok(());
    }
    Err(Failure::Usage(format!("cannot write {}: there is no folder {}", path.display(), folder.display())))
}

fn empty_result(path: &Path) -> Result<MemoryFile, Failure> {
    check_result(path)?;
    MemoryFile::new(&[])
}

fn decoded(path: &Path) -> Result<MemoryFile, Failure> {
    let failed =
        |why: String| Failure::Failed(format!("cannot read {}: {why}; give a PNG picture", path.display()));
    let file = File::open(path).map_err(|error| failed(reason(&error)))?;
    let picture = Picture::from_png(BufReader::new(file)).map_err(failed)?;
    MemoryFile::new(&picture.to_ppm())
}

fn is_png(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_folder(folder: &tempfile::TempDir, names: &[&str]) -> Vec<OsString> {
        names.iter().map(|name| folder.path().join(name).into_os_string()).collect()
    }

    fn one_pixel() -> Picture {
        Picture { width: 1, height: 1, rgb: vec![1, 2, 3] }
    }

    #[test]
    fn a_first_png_is_read_and_later_ones_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let given = in_folder(&folder, &["in.png", "out.PNG", "plain.ppm"]);
        write_png(&one_pixel(), Path::new(&given[0])).unwrap();
        let arguments = Arguments::prepare(&given).unwrap();
        let [input, result, plain] = arguments.values.as_slice() else {
            panic!("three arguments stay three")
        };
        assert_eq!(plain.as_bytes(), given[2].as_encoded_bytes());
        std::fs::copy(input.to_str().unwrap(), result.to_str().unwrap()).unwrap();
        arguments.write_results().unwrap();
        let written = Picture::from_png(BufReader::new(File::open(&given[1]).unwrap())).unwrap();
        assert_eq!(written, one_pixel());
    }

    #[test]
    fn a_result_that_the_function_did_not_write_leaves_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let given = in_folder(&folder, &["in.ppm", "out.png"]);
        std::fs::write(&given[1], "old").unwrap();
        assert!(Arguments::prepare(&given).unwrap().write_results().is_err());
        assert_eq!(std::fs::read(&given[1]).unwrap(), b"old");
    }

    #[test]
    fn sentences_name_the_users_files() {
        let folder = tempfile::tempdir().unwrap();
        // Enough of them that one path in memory begins another one.
        let names: Vec<String> = (0..20).map(|number| format!("{number}.png")).collect();
        let mut given = vec![OsString::from("in.ppm")];
        given.extend(in_folder(&folder, &names.iter().map(String::as_str).collect::<Vec<_>>()));
        let arguments = Arguments::prepare(&given).unwrap();
        for (value, path) in arguments.values.iter().zip(&given).skip(1) {
            let sentence = format!("{} is bad", value.to_str().unwrap());
            let expected = format!("{} is bad", path.to_str().unwrap());
            assert_eq!(arguments.in_users_terms(&sentence), expected);
        }
    }
}
