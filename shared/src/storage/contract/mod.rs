//! What holds for every store of bytes, clause by clause: one named test per clause, run on each driver.
//!
//! ```ignore
//! storage_contract!(async { Subject { driver, reopened, has_urls: false, keep: Box::new(directory) } });
//! ```

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "the clauses are tests: they fail by panicking")]

mod bench;
mod noise;
mod upload;

pub mod content;
pub mod deleting;
pub mod listing;
pub mod moving;
pub mod racing;
pub mod reading;
pub mod resuming;
pub mod urls;
pub mod versions;
pub mod writing;

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::driver::StorageDriver;

pub use bench::Bench;

/// A store under test.
pub struct Subject {
    /// The store.
    pub driver: Arc<dyn StorageDriver>,
    /// The same store, opened a second time as another process would.
    pub reopened: Arc<dyn StorageDriver>,
    /// Whether its objects have URLs.
    pub has_urls: bool,
    /// Whatever must live as long as the store: a directory, a server.
    pub keep: Box<dyn Any + Send>,
}

impl fmt::Debug for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Subject").field("driver", &self.driver).finish_non_exhaustive()
    }
}

/// Runs one clause in a directory of its own, removes what it wrote, and requires that nothing else is left. Without a
/// subject, because what it stands on is not installed, nothing runs: whoever made none has said so.
pub async fn check(subject: impl Into<Option<Subject>>, clause: impl AsyncFnOnce(&Bench)) {
    let Some(subject) = subject.into() else { return };
    let bench = Bench::new(subject);
    clause(&bench).await;
    bench.finish().await;
}

/// Stamps one test per clause for the store that the expression's future makes: a new [`Subject`] for each test.
#[macro_export]
macro_rules! storage_contract {
    ($subject:expr) => {
        $crate::storage_contract! { @stamp $subject;
            content:
                an_empty_object_comes_back,
                a_small_object_comes_back,
                every_byte_value_comes_back,
                an_object_larger_than_a_part_comes_back,
                content_over_the_limit_is_too_large,
                a_put_replaces_what_lies_there,
                nothing_is_found_where_nothing_lies,
                a_directory_is_not_an_object;
            reading:
                a_span_is_cut_at_the_end_of_the_object,
                a_span_past_the_end_is_out_of_range,
                a_span_of_a_large_object_is_exact,
                an_empty_object_has_one_empty_span,
                a_reader_sees_one_object_whole;
            writing:
                a_writer_without_bytes_makes_an_empty_object,
                a_writer_makes_a_small_object,
                a_writer_joins_odd_chunks_over_several_parts,
                nothing_is_visible_before_commit,
                what_lay_there_stays_until_commit,
                nothing_is_visible_after_cancel,
                what_lay_there_stays_after_cancel;
            resuming:
                another_process_goes_on_from_a_small_checkpoint,
                another_process_goes_on_from_a_large_checkpoint,
                many_checkpoints_make_one_object,
                a_checkpoint_before_the_first_byte_resumes,
                two_checkpoints_in_a_row_say_the_same,
                a_writer_goes_on_after_its_checkpoint,
                bytes_after_a_small_checkpoint_are_overwritten,
                bytes_after_a_large_checkpoint_are_overwritten,
                a_checkpoint_resumes_twice,
                a_resumed_writer_can_be_cancelled,
                a_committed_checkpoint_is_gone,
                a_cancelled_checkpoint_is_gone,
                bytes_in_a_tail_are_an_object_to_read_and_move;
            versions:
                every_write_makes_another_version,
                a_stat_tells_the_version_of_the_write,
                both_instances_tell_the_same_version,
                a_version_is_there_until_it_goes,
                moves_and_copies_make_other_versions;
            racing:
                of_eight_writers_one_is_whole,
                of_eight_puts_one_is_whole,
                a_put_if_absent_succeeds_once,
                a_put_if_absent_succeeds_again_after_a_delete,
                of_eight_puts_if_absent_one_succeeds,
                a_put_succeeds_while_its_neighbour_is_deleted;
            moving:
                a_move_takes_the_object_along,
                a_move_replaces_what_lies_there,
                a_move_onto_itself_changes_nothing,
                a_move_of_nothing_leaves_the_destination,
                a_large_object_moves,
                a_copy_from_another_store_leaves_its_source,
                a_copy_from_another_instance_leaves_its_source,
                a_copy_replaces_what_lies_there,
                a_copy_of_nothing_leaves_the_destination;
            listing:
                a_list_is_in_the_byte_order_of_paths,
                a_list_of_more_than_a_thousand_pages,
                a_list_goes_on_after_a_path,
                a_list_tells_sizes_and_times,
                a_list_of_nothing_is_empty;
            deleting:
                a_delete_removes_what_lies_there,
                a_delete_of_nothing_succeeds,
                a_delete_of_an_old_version_leaves_the_newer,
                a_delete_of_the_newest_version_brings_back_nothing_deleted,
                a_delete_of_a_version_removes_it,
                a_delete_leaves_siblings,
                a_delete_of_a_directory_leaves_what_is_below;
            urls:
                urls_are_made_without_asking_the_store;
        }
    };
    (@stamp $subject:expr; $($module:ident: $($clause:ident),+;)+) => {
        $($(
            #[tokio::test(flavor = "multi_thread")]
            async fn $clause() {
                $crate::storage::contract::check(($subject).await, $crate::storage::contract::$module::$clause).await;
            }
        )+)+
    };
}
