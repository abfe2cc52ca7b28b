//! Where extension modules are found by name.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::library::{executable_folder, for_the_loader};

/// A list of folders, as in PATH, that are searched before the others.
const MODULES_VARIABLE: &str = "GILRT_MODULES";
const EXTENSION: &str = "so";

/// The folders in which a name is looked up, first hit wins.
fn folders() -> Result<Vec<PathBuf>, Failure> {
    let mut folders: Vec<PathBuf> = match std::env::var_os(MODULES_VARIABLE) {
        Some(list) => std::env::split_paths(&list).filter(|folder| !folder.as_os_str().is_empty()).collect(),
        None => Vec::new(),
    };
    // Where the build put the samples; gone when the tool was installed and its target folder removed.
    folders.extend(option_env!("GILRT_BUILT_MODULES").map(PathBuf::from));
    folders.push(executable_folder()?.join("../lib/gilrt/modules"));
    Ok(folders)
}

/// The modules in all folders by name, without those that an earlier folder hides.
pub fn all() -> Result<BTreeMap<OsString, PathBuf>, Failure> {
    let mut found = BTreeMap::new();
    for folder in folders()? {
        // A folder that is not there holds no modules.
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.extension() == Some(OsStr::new(EXTENSION))
                && let Some(name) = path.file_stem()
            {
                found.entry(name.to_owned()).or_insert(path);
            }
        }
    }
    Ok(found)
}

/// The file that a user means: a path if it looks like one, otherwise a name.
pub fn find(module: &OsStr) -> Result<PathBuf, Failure> {
    let path = Path::new(module);
    if path.components().count() > 1 || path.extension() == Some(OsStr::new(EXTENSION)) || path.is_absolute()
    {
        return existing(path);
    }
    let mut modules = all()?;
    modules.remove(module).ok_or_else(|| {
        let names: Vec<_> = modules.keys().map(|name| name.to_string_lossy()).collect();
        let known = if names.is_empty() {
            "none is installed".to_owned()
        } else {
            format!("there are {}", names.join(", "))
        };
        Failure::Usage(format!(
            "there is no module {}; {known}; for a file of your own give its path, such as ./{}.{EXTENSION}",
            path.display(),
            path.display()
        ))
    })
}

fn existing(path: &Path) -> Result<PathBuf, Failure> {
    let fault = match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => "is a folder; give the path of a module's .so file".to_owned(),
        Ok(_) => return Ok(for_the_loader(path)),
        Err(error) => format!(
            "cannot be opened: {}; give the path of a module's .so file",
            crate::failure::reason(&error)
        ),
    };
    Err(Failure::Usage(format!("{} {fault}", path.display())))
}
