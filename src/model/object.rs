//! Objects as the models have them: the protocol of the counts from its own files, on words that notice who touches them too
//! late; types, memory and destructors are the least that this needs.

#[path = "../object/attempt.rs"]
pub mod attempt;
#[path = "../object/count.rs"]
pub mod count;
#[path = "../object/handed.rs"]
pub mod handed;
#[path = "../object/header.rs"]
pub mod header;
#[path = "../object/merge.rs"]
pub mod merge;
#[path = "../object/owners.rs"]
pub mod owners;
#[path = "../object/weak.rs"]
pub mod weak;

pub mod death;
pub mod heap;
pub mod hot;
pub mod locked;
pub mod section;
pub mod types;
pub mod watched;
