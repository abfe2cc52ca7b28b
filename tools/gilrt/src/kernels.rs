//! The C programs of `kernels/` that do the measuring, found, opened and made safe.

use std::ffi::{CString, c_char, c_int};
use std::path::{Path, PathBuf};
use std::time::Duration;

use libloading::os::unix::{Library as SharedObject, RTLD_GLOBAL, RTLD_NOW};

use crate::failure::Failure;
use crate::library::{Library, executable_folder};

/// What a kernel is to do; the kernel says what it looks at.
#[derive(Default)]
pub struct Task<'a> {
    pub units: u64,
    pub duration: Duration,
    pub threads: u32,
    /// Time each acquisition.
    pub timed: bool,
    /// How many single waits are wanted at the most.
    pub waits: usize,
    /// Paths, for a kernel that says which.
    pub arguments: &'a [CString],
}

/// What a kernel found.
pub struct Outcome {
    pub elapsed: Duration,
    pub done: u64,
    pub longest_wait: Duration,
    pub lost: Duration,
    /// Of `done`, by thread.
    pub shares: Vec<u64>,
    /// Nanoseconds each.
    pub waits: Vec<u64>,
    /// What else the kernel has to tell.
    pub values: [u64; VALUES],
}

const VALUES: usize = 8;
const MOST_THREADS: usize = 64;

/// `kernel_task_t` of kernel.h.
#[repr(C)]
struct RawTask {
    units: u64,
    duration_ns: u64,
    threads: u32,
    timed: u32,
    waits: *mut u64,
    capacity: usize,
    arguments: *mut *mut c_char,
}

/// `kernel_result_t` of kernel.h.
#[repr(C)]
struct RawResult {
    done: u64,
    witness: u64,
    elapsed_ns: u64,
    waits: u64,
    longest_wait_ns: u64,
    lost_ns: u64,
    shares: [u64; MOST_THREADS],
    values: [u64; VALUES],
}

type Kernel = unsafe extern "C" fn(*const RawTask, *mut RawResult) -> c_int;

/// libgilrt and, above it, the kernels. They stay mapped until the process ends.
pub struct Kernels {
    pub library: Library,
    /// libempty.so, libkernels.so, libprograms.so (what `gilrt lab` compares with other runtimes) and, where there was a C++
    /// compiler, libcpp.so.
    objects: Vec<SharedObject>,
    cpp: bool,
}

impl Kernels {
    pub fn open() -> Result<Self, Failure> {
        let library = Library::open()?;
        let folder = folder()?;
        // The kernels find empty_call and the library's names among the global ones, as a host does that is linked with both.
        let names = ["libempty.so", "libkernels.so", "libprograms.so"];
        let mut objects = names.iter().map(|name| open(&folder.join(name))).collect::<Result<Vec<_>, _>>()?;
        let cpp = folder.join("libcpp.so");
        if cpp.is_file() {
            objects.push(open(&cpp)?);
        }
        Ok(Self { library, objects, cpp: cpp.is_file() })
    }

    /// Whether there are kernels in C++.
    pub fn has_cpp(&self) -> bool {
        self.cpp
    }

    /// Whether the library has a function that older ones lack.
    pub fn library_has(&self, name: &str) -> bool {
        let name = CString::new(name).expect("a name without NUL");
        // SAFETY: the name is a C string; the library was opened among the global ones.
        !unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) }.is_null()
    }

    /// Whether there is a kernel that not every C library allows.
    pub fn has(&self, name: &str) -> bool {
        // SAFETY: all that they export by such a name are functions of this type.
        unsafe { self.symbol::<Kernel>(name) }.is_ok()
    }

    /// # Safety
    /// What is called `name` in the kernels is a `T`.
    pub unsafe fn symbol<T: Copy>(&self, name: &str) -> Result<T, Failure> {
        let missing = || Failure::Failed(format!("there is no kernel {name}"));
        // SAFETY: by the contract.
        self.objects
            .iter()
            .find_map(|it| unsafe { it.get::<T>(name.as_bytes()) }.ok())
            .map(|it| *it)
            .ok_or_else(missing)
    }

    /// Runs a kernel, and checks that the lock has kept its threads apart.
    pub fn run(&self, name: &str, task: &Task<'_>) -> Result<Outcome, Failure> {
        let mut waits = vec![0; task.waits];
        let mut arguments: Vec<_> = task.arguments.iter().map(|it| it.as_ptr().cast_mut()).collect();
        let raw = RawTask {
            units: task.units,
            duration_ns: u64::try_from(task.duration.as_nanos()).unwrap_or(u64::MAX),
            threads: task.threads,
            timed: task.timed.into(),
            waits: waits.as_mut_ptr(),
            capacity: waits.len(),
            arguments: arguments.as_mut_ptr(),
        };
        // SAFETY: the structure holds integers only, for which zero is a value.
        let mut result: RawResult = unsafe { std::mem::zeroed() };
        // SAFETY: all that they export by such a name are functions of this type.
        let kernel = unsafe { self.symbol::<Kernel>(name) }?;
        // SAFETY: both structures are laid out as kernel.h has them, `waits` has the room that the task says, and
        // no kernel writes to its arguments.
        let error = unsafe { kernel(&raw, &mut result) };
        if error != 0 {
            let why = crate::failure::reason(&std::io::Error::from_raw_os_error(error));
            return Err(Failure::Failed(format!("{name} could not be run: {why}")));
        }
        check_witness(name, result.witness, result.done)?;
        waits.truncate(usize::try_from(result.waits).unwrap_or(usize::MAX));
        Ok(Outcome {
            elapsed: Duration::from_nanos(result.elapsed_ns),
            done: result.done,
            longest_wait: Duration::from_nanos(result.longest_wait_ns),
            lost: Duration::from_nanos(result.lost_ns),
            shares: result.shares.to_vec(),
            waits,
            values: result.values,
        })
    }
}

/// A lock that lets two threads in at once can be as fast as one likes, and so can counts that lose one: their figures count
/// for nothing.
pub fn check_witness(name: &str, witness: u64, done: u64) -> Result<(), Failure> {
    if witness == done {
        return Ok(());
    }
    Err(Failure::Failed(format!(
        "{name}: the lock let two threads in at once, or references were lost: each for itself the threads counted {done}, \
         but together {witness}; this is a defect of the library, please report it"
    )))
}

fn open(path: &Path) -> Result<SharedObject, Failure> {
    // SAFETY: built with this tool; it has no initialisers.
    unsafe { SharedObject::open(Some(path), RTLD_NOW | RTLD_GLOBAL) }
        .map_err(|error| Failure::Failed(format!("cannot use {}: {error}", path.display())))
}

/// Where the build put them, or beside the tool once it is installed.
pub fn folder() -> Result<PathBuf, Failure> {
    let installed = executable_folder()?.join("../lib/gilrt/kernels");
    let places = [option_env!("GILRT_BUILT_KERNELS").map(PathBuf::from), Some(installed.clone())];
    places.into_iter().flatten().find(|folder| folder.is_dir()).ok_or_else(|| {
        Failure::Failed(format!(
            "the programs that measure are not in {}; run the tool where it was built, with cargo run --release",
            installed.display()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_lost_a_count_is_refused_l26() {
        assert!(check_witness("kernel", 5, 5).is_ok());
        let Err(Failure::Failed(message)) = check_witness("kernel", 4, 5) else {
            panic!("a lost count was accepted")
        };
        assert!(message.contains("two threads in at once"), "{message}");
    }
}
