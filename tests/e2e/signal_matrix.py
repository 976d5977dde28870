"""What each type of signal is tested against: the real source, the source gone, slow, talking garbage and back
again, and a restart of ours, which loses and repeats nothing. A test by its file below tests/ and its name, or, after
a dash, why there is nothing to test. test_signal_docs.py holds that every type is here and every test is there."""

COLUMNS = ("real", "gone", "slow", "garbage", "back", "restart")

NETWORK, HOST, KEEPING = "e2e/test_network_signals.py::", "e2e/test_host_signals.py::", "e2e/test_keeping_signals.py::"
PLATFORM, METRICS, LOGS = "e2e/test_platform_signals.py::", "e2e/test_metrics_signals.py::", "e2e/test_log_signals.py::"
NAMES, TLS, SQL, REDIS = "e2e/test_names_and_certificates.py::", "e2e/test_signals.py::", "e2e/test_sql.py::", "e2e/test_redis.py::"
ACCESS, ALERTS, DEAD, DRILLS = ("e2e/test_access_log.py::", "e2e/test_alerts.py::", "e2e/test_dead_mounts.py::",
                                "drills/test_signals.py::")
FILES = DEAD + "test_a_file_that_is_there_is_unknown_and_then_back"
# What a state or a gauge has seen is in its window, whatever the type; the next question is a fresh one.
WINDOW = NETWORK + "test_a_streak_of_failures_goes_on_over_a_restart"
HERE = "- /proc is of this very kernel: neither gone nor slow"


def all_of(test: str, **others: str) -> dict[str, str]:
    return {column: others.get(column, test) for column in COLUMNS}


MATRIX = {
    "http": all_of(NETWORK + "test_http", restart=WINDOW),
    "tcp": all_of(NETWORK + "test_tcp", restart=WINDOW),
    "tls": all_of(NETWORK + "test_tls_with_a_server_that_hangs_or_speaks_no_tls",
                  real=NAMES + "test_the_certificate_of_a_real_postgresql_is_seen_past_its_own_handshake",
                  gone=TLS + "test_without_a_connection_the_certificate_last_seen_counts_on_and_says_so",
                  back="triggers/probes/tls_test.cpp::a renewed certificate is seen by the next handshake",
                  restart="triggers/probes/tls_test.cpp::the certificate last seen is known over a restart"),
    "dns": all_of(NETWORK + "test_dns", restart=WINDOW,
                  garbage=NAMES + "test_a_name_has_the_addresses_it_should_have_and_each_fault_its_word"),
    "icmp": all_of(NETWORK + "test_icmp", restart=WINDOW,
                   garbage="core/io/ping_test.cpp::an echo's answer is known by its payload"),
    "exec": all_of(HOST + "test_a_plugins_critical_is_a_failure_and_its_own_troubles_are_not", restart=WINDOW,
                   real=HOST + "test_a_real_plugin_gives_its_state_and_its_numbers",
                   gone=DEAD + "test_a_check_whose_program_or_folder_is_there_holds_up_nothing",
                   slow=HOST + "test_a_check_that_hangs_in_the_kernel_holds_up_nothing"),
    "disk": all_of(HOST + "test_a_disks_share_is_a_number_and_one_that_is_gone_is_unknown", slow=FILES,
                   garbage="- the kernel's numbers, which it gives as numbers", restart=WINDOW),
    "memory": all_of(HERE, real=HOST + "test_memory_and_load_are_numbers_of_this_machine", restart=WINDOW,
                     garbage="triggers/probes/host_texts_test.cpp::meminfo is read by its names"),
    "load": all_of(HERE, real=HOST + "test_memory_and_load_are_numbers_of_this_machine", restart=WINDOW,
                   garbage="triggers/probes/host_texts_test.cpp::pressure is a share of time"),
    "file": all_of(HOST + "test_a_file_that_changes_hands_or_goes_fails_by_name", slow=FILES, restart=WINDOW,
                   garbage="- its facts are looked at, not what stands in it"),
    "process": all_of(HOST + "test_a_process_that_ends_fails_and_one_that_is_back_is_good", restart=WINDOW,
                      slow=HERE),
    "systemd": all_of(DRILLS + "test_a_service_manager_that_cannot_be_asked_is_unknown_and_then_back", restart=WINDOW,
                      real=DRILLS + "test_a_unit_that_runs_is_well_and_one_that_was_stopped_or_killed_is_not",
                      slow=HOST + "test_a_check_that_hangs_in_the_kernel_holds_up_nothing",
                      garbage="triggers/probes/platform_test.cpp::what systemctl does not say is unknown"),
    "docker": all_of(PLATFORM + "test_a_projects_containers_by_a_real_engine", restart=WINDOW,
                     slow=PLATFORM + "test_an_engine_that_misbehaves_is_unknown",
                     garbage=PLATFORM + "test_an_engine_that_misbehaves_is_unknown"),
    "pm2": all_of(PLATFORM + "test_a_pm2_that_prints_garbage_or_hangs_is_unknown_and_one_that_loops_fails",
                  real=PLATFORM + "test_an_app_under_a_real_pm2", gone=PLATFORM + "test_an_app_under_a_real_pm2",
                  restart="triggers/probes/platform_test.cpp::a crash loop is seen over a restart of ours"),
    "env": all_of(KEEPING + "test_an_environment_file_that_loses_or_changes_a_key", slow=FILES, restart=WINDOW),
    "crontab": all_of(KEEPING + "test_a_cron_job_that_is_switched_off_or_did_not_run", slow=FILES, restart=WINDOW,
                      garbage="triggers/probes/keeping_test.cpp::a crontab's jobs are its lines with a schedule"),
    "backup": all_of(KEEPING + "test_a_backup_that_is_old_shrunk_torn_or_gone", slow=FILES,
                     real=KEEPING + "test_a_real_dump_is_read_by_pg_restore_and_a_torn_one_is_not",
                     restart="triggers/probes/keeping_test.cpp::a backup that was read is not read again after a restart"),
    "release": all_of("e2e/test_release_signal.py::test_a_version_that_cannot_be_read_is_unknown_and_no_deployment",
                      real="e2e/test_release_signal.py::test_an_unannounced_release_that_fails_is_rolled_back",
                      slow=FILES,
                      restart="e2e/test_release_signal.py::test_a_release_while_the_daemon_was_down_is_seen_at_its_start"),
    "prometheus": all_of(METRICS + "test_a_prometheus_that_is_slow_gone_and_back_is_unknown_meanwhile", restart=WINDOW,
                         real=METRICS + "test_promql_is_asked_of_a_real_server",
                         garbage=METRICS + "test_what_gives_no_number_is_unknown_with_its_reason"),
    "scrape": all_of(NETWORK + "test_scrape", restart=METRICS + "test_over_a_restart_no_failure_is_lost_or_counted_twice"),
    "http_json": all_of(NETWORK + "test_http_json",
                        restart="e2e/test_from.py::test_rows_and_counters_are_counted_once_from_there_too"),
    "redis": all_of(NETWORK + "test_redis", restart=REDIS + "test_over_a_restart_no_event_is_lost_or_counted_twice"),
    "sql": all_of(SQL + "test_a_database_that_is_gone_and_comes_back_is_unknown_meanwhile",
                  real=SQL + "test_paid_but_not_upgraded_is_an_invariant",
                  slow=SQL + "test_a_slow_query_is_a_timeout_and_holds_up_nobody_else",
                  garbage="triggers/probes/sql_test.cpp::a server that speaks something else",
                  restart=SQL + "test_totals_count_what_was_added_and_over_a_restart_nothing_is_lost_or_repeated"),
    "access_log": all_of(ACCESS + "test_each_log_is_rotated_by_itself_and_no_line_is_lost_or_repeated_over_kills",
                         real=ACCESS + "test_every_form_of_apache_is_read_by_its_name_and_by_its_look",
                         gone="triggers/sources/access_log_source_test.cpp::a missing log is a status",
                         slow=DEAD + "test_a_followed_log_that_is_there_is_unknown_and_then_read_on",
                         garbage="triggers/sources/access_log_source_test.cpp::lines become samples as they are written",
                         back=ACCESS + "test_a_log_of_a_pattern_that_may_not_be_read_is_told_and_the_others_go_on"),
    "log": all_of(LOGS + "test_a_log_that_cannot_be_read_is_unknown_and_is_read_once_it_can",
                  real=LOGS + "test_a_containers_log_through_a_real_engine",
                  slow=LOGS + "test_an_engine_that_hangs_or_babbles_is_unknown_and_its_log_is_read_once_it_is_back",
                  garbage=LOGS + "test_an_engine_that_hangs_or_babbles_is_unknown_and_its_log_is_read_once_it_is_back",
                  restart=DRILLS + "test_lines_of_a_unit_in_the_journal_are_read_once_over_a_restart"),
    "push": all_of("- who pushes is not asked: silence is stale", real="e2e/test_webhooks.py::test_the_fourth_failure_in_a_row_of_one_provider_fires",
                   garbage="e2e/test_api.py::test_malformed_json_is_refused_with_a_reason",
                   restart="e2e/test_webhooks.py::test_killed_in_mid_stream_every_event_counts_once"),
    "heartbeat": all_of("e2e/test_heartbeat.py::test_a_beat_that_stays_away_is_told_and_one_that_comes_back_ends_it",
                        garbage="e2e/test_heartbeat.py::test_garbage_is_refused_and_is_no_beat",
                        restart="e2e/test_heartbeat.py::test_beats_are_remembered_over_a_restart"),
    "alerts": all_of(ALERTS + "test_a_real_alertmanager_is_understood",
                     gone=ALERTS + "test_past_its_end_an_alert_is_over",
                     slow=ALERTS + "test_an_alert_of_long_ago_that_still_fires_fails_the_signal",
                     garbage=ALERTS + "test_what_is_no_notification_is_refused_and_changes_nothing",
                     back=ALERTS + "test_a_real_alertmanager_delivers_what_happened_while_the_daemon_was_down",
                     restart=ALERTS + "test_what_fires_is_known_over_a_restart_and_told_once"),
}
