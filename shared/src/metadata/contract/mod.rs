//! What holds for every store of facts: one named test per clause, stamped for a store by [`metadata_contract!`].
//!
//! Times are far in the future, so that no store's own expiry interferes.
//!
//! [`metadata_contract!`]: crate::metadata_contract

#![expect(clippy::unwrap_used, reason = "a clause fails by panicking")]
#![expect(clippy::missing_panics_doc, reason = "a clause fails by panicking")]
#![expect(missing_docs, reason = "the name of a clause is its sentence")]

pub mod accounts;
pub mod audit;
pub mod blobs;
pub mod catalog;
pub mod collection;
pub mod hammer;
pub mod manifests;
pub mod races;
pub mod referrers;
pub mod ring;
pub mod sessions;
pub mod subject;
pub mod tags;
pub mod topology;
pub mod work;

pub use subject::Subject;

/// Stamps a test for every clause. The expression makes a future of a [`Subject`] over an empty store, anew for each,
/// or of none where the store cannot be had and that was said aloud.
///
/// [`Subject`]: crate::metadata::contract::Subject
#[macro_export]
macro_rules! metadata_contract {
    ($subject:expr) => {
        $crate::metadata_clauses! { $subject;
            accounts {
                a_record_reads_back_as_it_was_written,
                a_record_is_written_over_the_version_that_is_known_only,
                a_record_that_comes_back_is_another,
                a_record_that_comes_back_within_the_millisecond_is_another,
                the_same_write_again_has_happened_already,
                the_last_version_can_still_be_known,
                an_expired_record_is_as_good_as_none,
                records_come_in_byte_order_and_in_pages,
                throttles_are_kept_apart,
                throttles_are_not_listed,
                a_record_may_have_any_name_of_up_to_512_bytes,
                an_empty_name_and_one_that_is_too_long_are_refused,
                a_list_goes_on_after_what_is_no_name,
                expired_records_leave_no_gaps_in_pages,
                a_sweep_leaves_what_lasts,
                of_two_writers_of_a_record_one_wins,
                of_two_writers_over_an_expired_record_one_wins,
                a_removal_against_a_change_has_one_winner,
            }
            audit {
                deeds_come_newest_first_and_in_pages,
                deeds_are_those_of_the_time_that_is_asked_for,
                deeds_of_one_moment_come_in_pages_whatever_their_shards,
                deeds_are_found_on_either_side_of_midnight,
                a_cursor_need_be_no_deed,
                an_expired_deed_is_not_listed,
                an_open_end_is_the_present,
                a_deed_has_a_name_of_up_to_512_bytes,
            }
            blobs {
                a_store_that_can_be_read_answers_a_ping,
                a_committed_blob_is_linked_until_its_lease,
                a_blob_that_nobody_committed_is_unknown,
                a_blob_is_invisible_where_it_is_not_linked,
                renewing_prolongs_the_lease,
                renewing_never_shortens_the_lease,
                renewing_makes_no_link,
                nothing_shortens_a_promised_lease,
                a_second_commit_links_and_keeps_the_first_place,
                a_commit_at_the_same_path_replaces_the_version,
                the_same_path_in_another_bucket_is_another_place,
                mounting_links_the_blob,
                mounting_needs_the_link_of_the_source,
                mounting_onto_a_link_prolongs_it,
                repositories_of_a_blob_come_in_byte_order_up_to_the_limit,
                an_unlinked_blob_is_unreadable_at_once,
                unlinking_in_one_repository_leaves_the_others,
                an_unlinked_blob_can_be_linked_again,
                a_used_blob_stays_linked,
                a_use_in_another_repository_does_not_hold_the_link,
            }
            manifests {
                a_manifest_reads_back_as_it_was_put,
                content_of_the_largest_inline_size_reads_back,
                a_manifest_may_lie_in_the_ring,
                a_manifest_is_invisible_in_another_repository,
                exactly_the_missing_of_many_blobs_are_named,
                missing_children_are_named,
                a_missing_blob_that_is_named_twice_is_listed_once,
                a_blob_linked_elsewhere_is_missing,
                an_unlinked_blob_is_missing,
                a_refused_put_changes_nothing,
                a_refused_second_put_leaves_the_first,
                a_subject_need_not_exist,
                an_index_needs_its_children_only,
                a_manifest_may_name_things_twice,
                putting_again_is_a_new_generation,
                deleting_removes_the_manifest_and_its_tags,
                deleting_nothing_says_so,
                deleting_spares_a_tag_that_moved_away,
                sixty_tags_go_with_their_manifest,
                three_hundred_tags_go_with_their_manifest,
                many_blobs_are_held_until_the_manifest_goes,
                a_blob_is_held_by_each_of_two_manifests,
                a_manifest_put_after_its_deletion_holds_its_blobs,
            }
            tags {
                a_put_moves_every_tag_it_names,
                an_unknown_tag_names_nothing,
                a_moved_tag_leaves_its_old_manifest,
                a_tag_put_twice_is_one_tag,
                a_put_without_tags_moves_none,
                who_may_move_no_tag_gives_new_ones_and_those_that_stay,
                a_deleted_tag_leaves_its_manifest,
                an_unknown_repository_has_no_list_of_tags,
                a_repository_outlives_its_last_tag_and_manifest,
                tags_come_in_byte_order_and_in_pages,
                many_tags_are_paged_without_loss,
                tags_of_lists_every_tag_of_one_manifest_only,
            }
            catalog {
                a_repository_exists_from_its_first_manifest_on,
                repositories_come_in_byte_order_and_in_pages,
                many_repositories_are_paged_without_loss,
            }
            referrers {
                a_manifest_with_a_subject_is_listed_with_all_of_its_descriptor,
                a_subject_without_referrers_has_an_empty_list,
                referrers_come_in_byte_order_and_in_pages,
                referrers_are_those_of_one_repository_and_one_subject,
                a_referrer_put_twice_is_listed_once,
                a_deleted_referrer_is_no_longer_listed,
                referrers_outlive_their_subject,
            }
            sessions {
                a_session_reads_back_as_it_was_created,
                a_session_of_another_repository_is_unknown,
                a_claim_hands_over_the_session,
                a_claim_keeps_others_away,
                a_claim_at_another_offset_learns_the_true_one,
                a_released_session_can_be_claimed,
                releasing_a_lost_claim_changes_nothing,
                progress_is_recorded_and_ends_the_claim,
                parts_come_back_in_order,
                progress_without_parts_records_none,
                a_claim_holds_up_to_its_last_moment,
                a_claim_can_be_extended,
                a_lapsed_claim_holds_until_another_takes_over,
                whoever_lost_the_claim_is_refused,
                a_claim_that_was_given_up_is_lost,
                a_deleted_session_is_unknown,
                a_session_that_never_was_is_held_by_nobody,
                a_commit_completes_its_session,
                a_kept_commit_completes_its_session_too,
                a_completed_session_can_only_be_asked_for,
                a_commit_without_the_claim_changes_nothing,
                a_session_completes_once,
            }
            collection {
                a_blob_is_condemned_once_its_lease_is_over,
                a_lease_in_any_repository_keeps_a_blob,
                a_use_keeps_a_blob_without_a_lease,
                a_blob_goes_after_the_last_manifest_that_used_it,
                an_unlinked_blob_has_no_lease,
                a_condemned_blob_is_nowhere_to_be_seen,
                a_condemned_blob_is_missing_to_a_manifest,
                a_condemned_blob_is_not_condemned_again,
                a_blob_that_is_kept_stays_as_it_was,
                a_commit_revives_a_condemned_blob_at_its_own_place,
                a_commit_at_the_condemned_path_is_safe_from_the_collector,
                a_forgotten_blob_is_gone_and_can_come_back,
                a_forgotten_blob_leaves_no_links_behind,
                a_live_blob_cannot_be_forgotten,
                a_refused_put_keeps_nothing,
            }
            topology {
                a_new_store_has_no_topology,
                a_topology_reads_back_as_it_was_written,
                a_topology_follows_the_newest_or_is_refused,
                epochs_follow_each_other_as_numbers,
                of_two_topologies_with_one_number_one_is_written,
            }
            ring {
                every_live_blob_is_in_one_sector,
                blobs_of_a_sector_come_in_byte_order_and_in_pages,
                a_blob_may_lie_in_several_places,
                rehousing_records_the_work_that_it_makes,
                a_commit_over_one_of_its_places_leaves_a_blob_the_others,
                a_version_that_is_written_over_goes_when_its_store_keeps_it,
                a_condemned_blob_is_still_known,
                a_lost_blob_is_out_of_sight_until_it_is_pushed_again,
                topologies_come_newest_first,
                a_pass_goes_on_only_from_where_it_is,
                a_pass_is_taken_once,
                health_reads_back_as_it_was_put,
            }
            work {
                work_reads_back_as_it_was_put,
                work_is_found_when_it_is_due_and_not_before,
                a_full_shard_of_work_leaves_the_others_their_turn,
                work_is_taken_once,
                finished_work_is_gone,
                a_commit_records_its_work_only_where_it_publishes,
                a_settled_blob_is_read_from_home_and_its_work_goes_on,
                work_that_another_holds_settles_nothing,
                a_blob_that_is_not_read_there_is_not_settled,
                a_settled_blob_can_be_collected,
                a_direct_upload_is_recorded_with_the_work_that_it_makes,
                a_session_is_open_until_it_expires_or_is_completed,
                an_expired_session_is_forgotten_once,
            }
            races {
                two_committers_of_one_digest_agree_on_one_place,
                a_commit_against_a_rehousing_leaves_the_version_that_it_wrote_over,
                two_commits_of_one_session_complete_it_once,
                two_tag_movers_leave_one_tag,
                of_two_who_may_move_no_tag_one_gives_it,
                a_put_against_an_unlink_never_breaks_a_manifest,
                a_put_again_against_a_delete_keeps_its_uses,
                a_tag_moved_away_survives_the_delete_of_its_old_manifest,
                a_tag_deleted_while_it_moves_agrees_with_its_manifests,
                two_deletes_of_one_manifest_remove_it_once,
                two_claims_have_one_winner,
                a_takeover_against_an_advance_has_one_winner,
                a_takeover_against_a_commit_has_one_winner,
                a_commit_against_the_collector_keeps_its_bytes,
                a_renewal_against_the_collector_is_kept_or_refused,
                a_mount_against_the_collector_is_kept_or_refused,
                a_put_against_the_collector_is_kept_or_refused,
                two_collectors_condemn_once,
                a_mount_against_an_unlink_is_kept_or_refused,
            }
            hammer {
                whatever_many_do_at_once_manifests_stay_whole_and_tags_agree,
            }
        }
    };
}

/// Stamps the clauses that [`metadata_contract!`] lists.
#[doc(hidden)]
#[macro_export]
macro_rules! metadata_clauses {
    ($subject:expr; $($topic:ident { $($clause:ident),* $(,)? })*) => {
        $(
            mod $topic {
                #[allow(unused_imports, reason = "the expression may name nothing")]
                use super::*;
                $(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                    async fn $clause() {
                        let subject: Option<$crate::metadata::contract::Subject> = $subject.await.into();
                        let Some(subject) = subject else { return };
                        $crate::metadata::contract::$topic::$clause(&subject).await;
                    }
                )*
            }
        )*
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_clause_is_stamped() {
        let list = include_str!("mod.rs");
        let topics = [
            include_str!("accounts.rs"),
            include_str!("audit.rs"),
            include_str!("blobs.rs"),
            include_str!("catalog.rs"),
            include_str!("collection.rs"),
            include_str!("hammer.rs"),
            include_str!("manifests.rs"),
            include_str!("races.rs"),
            include_str!("referrers.rs"),
            include_str!("ring.rs"),
            include_str!("sessions.rs"),
            include_str!("tags.rs"),
            include_str!("topology.rs"),
            include_str!("work.rs"),
        ];
        let clauses = topics.iter().flat_map(|topic| topic.split("\npub async fn ").skip(1));
        for clause in clauses.filter_map(|clause| clause.split('(').next()) {
            assert!(list.contains(&format!(" {clause},\n")), "{clause}");
        }
    }
}
