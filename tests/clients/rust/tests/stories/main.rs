//! The numbered stories, as a program written for Amazon WorkDocs in Rust lives them.

mod story_01_upload;
mod story_05_abort;
mod story_07_paging;
mod story_08_tree;
mod story_20_callers;
mod story_21_tokens;
