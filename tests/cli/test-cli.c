/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The program as others call it: what it prints, what it exits with, and transfers between two of
 * it. */

#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "sample.h"
#include "shoal-cli-options.h"
#include "shoal-cli-text.h"
#include "shoal-test.h"

typedef struct
{
  int   status;
  char *out;
  char *err;
} Run;

typedef struct
{
  char *dir;
  char *data;      /* the folder with "d" */
  char *torrent;
  Run   run;
} Fixture;

static char *
program (void)
{
  const char *given = g_getenv ("SHOAL_CLI");

  return given != NULL ? g_strdup (given)
                       : g_build_filename (g_test_get_dir (G_TEST_BUILT), "..", "src", "cli",
                                           "shoal-cli", NULL);
}

static void
run_clear (Run *run)
{
  g_clear_pointer (&run->out, g_free);
  g_clear_pointer (&run->err, g_free);
}

/* In the child: a test that fails leaves nothing running. */
static void
die_with_parent (gpointer user_data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

/* Arguments up to a NULL. @terminal: standard output, or -1. */
static GSubprocess *
spawn (GSubprocessFlags flags,
       int              terminal,
       const char      *first,
       va_list          more)
{
  g_autoptr(GPtrArray) args = g_ptr_array_new ();
  g_autofree char *path = program ();
  g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new (flags);
  g_autoptr(GError) error = NULL;
  GSubprocess *process;

  g_ptr_array_add (args, path);
  for (const char *arg = first; arg != NULL; arg = va_arg (more, const char *))
    g_ptr_array_add (args, (gpointer) arg);
  /* Nothing is asked of a real router, nor of anybody else out there. */
  if (g_strcmp0 (first, "download") == 0 || g_strcmp0 (first, "serve") == 0)
    {
      g_ptr_array_add (args, (gpointer) "--no-portmap");
      g_ptr_array_add (args, (gpointer) "--no-dht");
    }
  g_ptr_array_add (args, NULL);
  g_subprocess_launcher_set_child_setup (launcher, die_with_parent, NULL, NULL);
  if (terminal >= 0)
    g_subprocess_launcher_take_stdout_fd (launcher, terminal);
  process = g_subprocess_launcher_spawnv (launcher, (const char *const *) args->pdata, &error);
  g_assert_no_error (error);
  return process;
}

static void
cli (Run        *run,
     const char *first,
     ...)
{
  g_autoptr(GSubprocess) process = NULL;
  g_autoptr(GError) error = NULL;
  va_list more;

  run_clear (run);
  va_start (more, first);
  process = spawn (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE, -1, first,
                   more);
  va_end (more);
  g_subprocess_communicate_utf8 (process, NULL, NULL, &run->out, &run->err, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_if_exited (process));
  run->status = g_subprocess_get_exit_status (process);
}

static GSubprocess *
start (const char *first,
       ...)
{
  GSubprocess *process;
  va_list more;

  va_start (more, first);
  process = spawn (G_SUBPROCESS_FLAGS_STDOUT_PIPE, -1, first, more);
  va_end (more);
  return process;
}

/* Its standard output is a terminal; @screen is what reads from it. */
static GSubprocess *
start_on_terminal (int        *screen,
                   const char *first,
                   ...)
{
  GSubprocess *process;
  va_list more;

  *screen = posix_openpt (O_RDWR | O_NOCTTY | O_CLOEXEC);
  g_assert_cmpint (*screen, >=, 0);
  g_assert_cmpint (grantpt (*screen), ==, 0);
  g_assert_cmpint (unlockpt (*screen), ==, 0);
  va_start (more, first);
  process = spawn (G_SUBPROCESS_FLAGS_NONE, open (ptsname (*screen), O_RDWR | O_NOCTTY | O_CLOEXEC),
                   first, more);
  va_end (more);
  return process;
}

static void
assert_line (GDataInputStream *stream,
             const char       *beginning)
{
  g_autofree char *line = g_data_input_stream_read_line (stream, NULL, NULL, NULL);

  g_assert_nonnull (line);
  g_assert_true (g_str_has_prefix (line, beginning));
}

static void
stop (GSubprocess *process,
      int          number,
      int          status)
{
  g_subprocess_send_signal (process, number);
  g_assert_true (g_subprocess_wait (process, NULL, NULL));
  g_assert_true (g_subprocess_get_if_exited (process));
  g_assert_cmpint (g_subprocess_get_exit_status (process), ==, status);
}

/* An error is one line, and nothing else is printed. */
static void
assert_failed (const Run *run,
               int        status)
{
  g_assert_cmpint (run->status, ==, status);
  g_assert_cmpstr (run->out, ==, "");
  g_assert_true (g_str_has_prefix (run->err, "shoal-cli: "));
  g_assert_true (strchr (run->err, '\n') == run->err + strlen (run->err) - 1);
}

/* A port that was free a moment ago. */
static guint16
free_port (void)
{
  g_autoptr(GSocketListener) listener = g_socket_listener_new ();

  return g_socket_listener_add_any_inet_port (listener, NULL, NULL);
}

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  g_autofree char *source = NULL;

  fixture->dir = shoal_test_temp_dir ();
  fixture->data = g_build_filename (fixture->dir, "data", NULL);
  fixture->torrent = g_build_filename (fixture->dir, "d.torrent", NULL);
  source = g_build_filename (fixture->data, "d", NULL);
  g_assert_cmpint (g_mkdir (fixture->data, 0700), ==, 0);
  sample_make (fixture->data);
  cli (&fixture->run, "create", source, "-o", fixture->torrent, "--piece-size", "16KiB", NULL);
  g_assert_cmpstr (fixture->run.err, ==, "");
  g_assert_cmpint (fixture->run.status, ==, 0);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  shoal_test_remove_temp_dir (fixture->dir);
  run_clear (&fixture->run);
  g_free (fixture->torrent);
  g_free (fixture->data);
  g_free (fixture->dir);
}

static void
test_parse_size (void)
{
  static const struct { const char *text; guint64 bytes;
  } good[] = {
    { "0", 0 },          { "16384", 16384 },  { "16KiB", 16384 },
    { "16 kib", 16384 }, { "2MiB", 2097152 }, { "1G", 1073741824 },
  };
  static const char *const bad[] = { "",       "KiB", "-1", "1.5MiB", "1TB", "99999999999999999999",
                                     "16384x", " 1" };
  guint64 bytes;

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_assert_true (shoal_cli_parse_size (good[i].text, &bytes));
      g_assert_cmpuint (bytes, ==, good[i].bytes);
    }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (shoal_cli_parse_size (bad[i], &bytes));
}

static void
test_is_peer (void)
{
  static const char *const good[] = { "localhost:1", "1.2.3.4:65535", "[::1]:80",
                                      "a.example:6881" };
  static const char *const bad[] = { "",           ":1",     "host", "host:",  "host:0",
                                     "host:65536", "::1:80", "[]:1", "host:1x" };

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    g_assert_true (shoal_cli_is_peer (good[i]));
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (shoal_cli_is_peer (bad[i]));
}

static void
test_usage (Fixture       *fixture,
            gconstpointer  data)
{
  Run *run = &fixture->run;

  cli (run, NULL);
  assert_failed (run, 2);
  cli (run, "dance", NULL);
  assert_failed (run, 2);
  cli (run, "show", NULL);
  assert_failed (run, 2);
  cli (run, "show", "--dance", fixture->torrent, NULL);
  assert_failed (run, 2);
  cli (run, "create", fixture->data, NULL);
  assert_failed (run, 2);
  cli (run, "create", fixture->data, "-o", "x", "--piece-size", "20000", NULL);
  assert_failed (run, 2);
  cli (run, "create", fixture->data, "-o", "x", "--v1", "--v2", NULL);
  assert_failed (run, 2);
  cli (run, "create", fixture->data, "-o", "x", "--tracker", "nonsense", NULL);
  assert_failed (run, 2);
  cli (run, "verify", fixture->torrent, NULL);
  assert_failed (run, 2);
  cli (run, "download", fixture->torrent, NULL);
  assert_failed (run, 2);
  cli (run, "download", fixture->torrent, "--dir", fixture->dir, "--peer", "nonsense", NULL);
  assert_failed (run, 2);
  cli (run, "download", fixture->torrent, "--dir", fixture->dir, "--select", "x", NULL);
  assert_failed (run, 2);
  cli (run, "download", fixture->torrent, "--dir", fixture->dir, "--select", "99", NULL);
  assert_failed (run, 2);
  cli (run, "download", fixture->torrent, "--dir", fixture->dir, "--port", "65536", NULL);
  assert_failed (run, 2);
  cli (run, "download", fixture->torrent, "--dir", fixture->dir, "--encryption=always", NULL);
  assert_failed (run, 2);
  cli (run, "download", fixture->torrent, "--dir", fixture->dir, "--dns", "resolver.example", NULL);
  assert_failed (run, 2);
  cli (run, "download", fixture->torrent, "--dir", fixture->dir, "--proxy",
       "socks4://me:secret@192.0.2.1", NULL);
  assert_failed (run, 2);
  g_assert_null (strstr (run->err, "secret"));
  cli (run, "download", fixture->torrent, "--dir", fixture->dir, "--proxy-all", NULL);
  assert_failed (run, 2);
  cli (run, "download", "magnet:?dn=nothing", "--dir", fixture->dir, NULL);
  assert_failed (run, 2);
  cli (run, "serve", NULL);
  assert_failed (run, 2);

  cli (run, "--help", NULL);
  g_assert_cmpint (run->status, ==, 0);
  g_assert_nonnull (strstr (run->out, "--seed-ratio"));
  cli (run, "download", "--help", NULL);
  g_assert_cmpint (run->status, ==, 0);
  g_assert_nonnull (strstr (run->out, "--no-portmap"));
}

static void
test_show (Fixture       *fixture,
           gconstpointer  data)
{
  Run *run = &fixture->run;

  cli (run, "show", fixture->torrent, "--json", NULL);
  g_assert_cmpint (run->status, ==, 0);
  g_assert_true (g_str_has_prefix (run->out, "{\"name\":\"d\",\"info_hash_v1\":\"" SAMPLE_HYBRID_V1
                                             "\",\"info_hash_v2\":\"" SAMPLE_HYBRID_V2
                                             "\",\"total_size\":156385,\"piece_length\":16384,"));
  cli (run, "show", fixture->torrent, NULL);
  g_assert_cmpint (run->status, ==, 0);
  g_assert_nonnull (strstr (run->out, SAMPLE_HYBRID_V2));

  cli (run, "show", "magnet:?xt=urn:btih:" SAMPLE_V1 "&dn=%C3%BC&so=1,3-4&x.pe=h:1", "--json",
       NULL);
  g_assert_cmpint (run->status, ==, 0);
  g_assert_true (g_str_has_prefix (run->out, "{\"name\":\"\\u00fc\",\"info_hash_v1\":\"" SAMPLE_V1
                                             "\",\"info_hash_v2\":null,\"total_size\":null,"));
  g_assert_nonnull (strstr (run->out, "\"peers\":[\"h:1\"],\"select_only\":[1,3,4],"));

  cli (run, "show", "/nonexistent\n.torrent", NULL);
  assert_failed (run, 2);
  cli (run, "show", fixture->dir, NULL);
  assert_failed (run, 2);
  cli (run, "show", "magnet:?xt=urn:btih:zz", NULL);
  assert_failed (run, 2);
  cli (run, "show", "http://127.0.0.1:1/x.torrent", NULL);
  assert_failed (run, 1);
}

static void
test_magnet (Fixture       *fixture,
             gconstpointer  data)
{
  Run *run = &fixture->run;

  cli (run, "magnet", fixture->torrent, NULL);
  g_assert_cmpint (run->status, ==, 0);
  g_assert_true (g_str_has_prefix (run->out, "magnet:?"));
  g_assert_nonnull (strstr (run->out, SAMPLE_HYBRID_V1));
  g_assert_nonnull (strstr (run->out, SAMPLE_HYBRID_V2));
  cli (run, "magnet", fixture->dir, NULL);
  assert_failed (run, 2);
}

static void
test_verify (Fixture       *fixture,
             gconstpointer  data)
{
  Run *run = &fixture->run;

  cli (run, "verify", fixture->torrent, "--dir", fixture->data, NULL);
  g_assert_cmpint (run->status, ==, 0);
  g_assert_cmpstr (run->out, ==, "11 pieces: 11 right, 0 wrong, 0 missing\n");

  sample_hurt (fixture->data, "d/a", 0);
  cli (run, "verify", fixture->torrent, "--dir", fixture->data, "--json", NULL);
  g_assert_cmpint (run->status, ==, 1);
  g_assert_true (g_str_has_prefix (run->out, "{\"name\":\"d\",\"piece_count\":11,\"right\":10,\"wrong\":1,\"missing\":0,\"wrong_pieces\":\"0\","));

  cli (run, "verify", fixture->torrent, "--dir", "/nonexistent", NULL);
  g_assert_cmpint (run->status, ==, 1);
  cli (run, "verify", fixture->dir, "--dir", fixture->data, NULL);
  assert_failed (run, 2);
}

static void
test_create (Fixture       *fixture,
             gconstpointer  data)
{
  Run *run = &fixture->run;
  g_autofree char *nowhere = g_build_filename (fixture->dir, "none", "x.torrent", NULL);

  cli (run, "create", "/nonexistent", "-o", nowhere, NULL);
  assert_failed (run, 2);
  cli (run, "create", fixture->data, "-o", nowhere, NULL);
  assert_failed (run, 1);
}

static void
assert_same (const char *one,
             const char *other)
{
  for (guint i = 0; i < G_N_ELEMENTS (sample_files); i++)
    {
      g_autoptr(GBytes) a = shoal_test_read (one, sample_files[i].path);
      g_autoptr(GBytes) b = shoal_test_read (other, sample_files[i].path);

      g_assert_true (g_bytes_equal (a, b));
    }
}

/* The folder holds "d" and nothing else. */
static void
assert_only (const char *dir)
{
  g_autoptr(GDir) folder = g_dir_open (dir, 0, NULL);

  g_assert_cmpstr (g_dir_read_name (folder), ==, "d");
  g_assert_null (g_dir_read_name (folder));
}

static void
test_transfer (Fixture       *fixture,
               gconstpointer  data)
{
  Run *run = &fixture->run;
  g_autofree char *port = g_strdup_printf ("%u", free_port ());
  g_autofree char *peer = g_strdup_printf ("localhost:%s", port);
  g_autofree char *by_torrent = g_build_filename (fixture->dir, "by-torrent", NULL);
  g_autofree char *by_magnet = g_build_filename (fixture->dir, "by-magnet", NULL);
  g_autofree char *state = g_build_filename (fixture->dir, "state", NULL);
  g_autoptr(GSubprocess) seed = start ("download", fixture->torrent, "--dir", fixture->data,
                                       "--seed", "--port", port, NULL);
  g_autoptr(GDataInputStream) lines = g_data_input_stream_new (g_subprocess_get_stdout_pipe (seed));

  assert_line (lines, "metadata d " SAMPLE_HYBRID_V1);
  assert_line (lines, "complete d");

  cli (run, "download", fixture->torrent, "--dir", by_torrent, "--peer", peer, "--state", state,
       NULL);
  g_assert_cmpstr (run->err, ==, "");
  g_assert_cmpstr (run->out, ==, "metadata d " SAMPLE_HYBRID_V1 "\ncomplete d\n");
  g_assert_cmpint (run->status, ==, 0);
  assert_same (fixture->data, by_torrent);
  assert_only (by_torrent);

  /* Kept from the run before: it is there at once, without a peer. */
  cli (run, "download", fixture->torrent, "--dir", by_torrent, "--state", state, "--quiet", NULL);
  g_assert_cmpint (run->status, ==, 0);
  g_assert_cmpstr (run->out, ==, "");

  cli (run, "magnet", fixture->torrent, NULL);
  g_strchomp (run->out);
  {
    g_autofree char *link = g_strdup (run->out);

    cli (run, "download", link, link, "--dir", by_magnet, "--peer", peer, "--json", NULL);
  }
  g_assert_cmpint (run->status, ==, 0);
  g_assert_nonnull (strstr (run->out, "{\"event\":\"metadata\",\"name\":\"d\",\"info_hash\":\"" SAMPLE_HYBRID_V1 "\"}\n"));
  g_assert_true (g_str_has_suffix (run->out, "{\"event\":\"complete\",\"name\":\"d\",\"info_hash\":\"" SAMPLE_HYBRID_V1 "\"}\n"));
  assert_same (fixture->data, by_magnet);
  assert_only (by_magnet);
  stop (seed, SIGINT, 130);
}

/* Before anything is transferred the line says what is waited for. */
static void
test_terminal (Fixture       *fixture,
               gconstpointer  data)
{
  g_autofree char *dir = g_build_filename (fixture->dir, "nobody", NULL);
  g_autoptr(GString) seen = g_string_new (NULL);
  g_autoptr(GSubprocess) process = NULL;
  int screen;

  process = start_on_terminal (&screen, "download", "magnet:?xt=urn:btih:" SAMPLE_HYBRID_V1,
                               "--dir", dir, NULL);
  while (strstr (seen->str, "ooking for peers") == NULL)
    {
      char some[256];
      gssize n = read (screen, some, sizeof some);

      g_assert_cmpint (n, >, 0);
      g_string_append_len (seen, some, n);
    }
  g_assert_nonnull (strstr (seen->str, "[                        ]   0% "));
  g_assert_null (strstr (seen->str, " down, "));
  stop (process, SIGTERM, 143);
  close (screen);
}

/* What no tracker told is null. */
static void
test_numbers (Fixture       *fixture,
              gconstpointer  data)
{
  g_autofree char *port = g_strdup_printf ("%u", free_port ());
  g_autoptr(GSubprocess) seed = start ("download", fixture->torrent, "--dir", fixture->data,
                                       "--seed", "--json", "--port", port, NULL);
  g_autoptr(GDataInputStream) lines = g_data_input_stream_new (g_subprocess_get_stdout_pipe (seed));
  g_autofree char *line = NULL;

  do
    {
      g_free (line);
      line = g_data_input_stream_read_line (lines, NULL, NULL, NULL);
      g_assert_nonnull (line);
    }
  while (strstr (line, "\"torrents\":[{") == NULL);
  g_assert_nonnull (strstr (line, "\"seeds\":0,\"tracker_seeds\":null,\"tracker_leechers\":null,"
                                  "\"tracker_completed\":null,\"eta\":"));
  stop (seed, SIGTERM, 143);
}

static void
test_select (Fixture       *fixture,
             gconstpointer  data)
{
  Run *run = &fixture->run;
  g_autofree char *port = g_strdup_printf ("%u", free_port ());
  g_autofree char *peer = g_strdup_printf ("127.0.0.1:%s", port);
  g_autofree char *dir = g_build_filename (fixture->dir, "selected", NULL);
  g_autofree char *wanted = g_build_filename (dir, "d", "b", "c", NULL);
  g_autofree char *other = g_build_filename (dir, "d", "x", NULL);
  g_autoptr(GSubprocess) seed = start ("download", fixture->torrent, "--dir", fixture->data,
                                       "--seed", "--port", port, NULL);
  g_autoptr(GDataInputStream) lines = g_data_input_stream_new (g_subprocess_get_stdout_pipe (seed));

  assert_line (lines, "metadata");
  assert_line (lines, "complete");
  /* Pad files count: d/a, a pad file, d/b/c. */
  cli (run, "download", fixture->torrent, "--dir", dir, "--select", "2", "--peer", peer, NULL);
  g_assert_cmpint (run->status, ==, 0);
  g_assert_true (g_file_test (wanted, G_FILE_TEST_IS_REGULAR));
  g_assert_false (g_file_test (other, G_FILE_TEST_EXISTS));
  stop (seed, SIGTERM, 143);
}

static void
test_seed_limits (Fixture       *fixture,
                  gconstpointer  data)
{
  Run *run = &fixture->run;

  cli (run, "download", fixture->torrent, "--dir", fixture->data, "--seed", "--seed-time", "0",
       NULL);
  g_assert_cmpint (run->status, ==, 0);
  cli (run, "download", fixture->torrent, "--dir", fixture->data, "--seed", "--seed-ratio", "0",
       NULL);
  g_assert_cmpint (run->status, ==, 0);
}

/* The same file, as seen from the current folder. */
static char *
relative_path (const char *path)
{
  g_autofree char *here = g_get_current_dir ();
  GString *text = g_string_new (NULL);

  for (const char *at = here; *at != '\0'; at++)
    {
      if (*at == '/' && at[1] != '\0')
        g_string_append (text, "../");
    }
  g_string_append (text, path + 1);

  return g_string_free (text, FALSE);
}

static void
test_serve (Fixture       *fixture,
            gconstpointer  data)
{
  Run *run = &fixture->run;
  g_autofree char *state = g_build_filename (fixture->dir, "state", NULL);
  g_autofree char *relative = NULL;
  g_autoptr(GSubprocess) process = NULL;
  g_autoptr(GDataInputStream) lines = NULL;

  cli (run, "download", fixture->torrent, "--dir", fixture->data, "--state", state, NULL);
  g_assert_cmpint (run->status, ==, 0);

  process = start ("serve", "--state", state, NULL);
  lines = g_data_input_stream_new (g_subprocess_get_stdout_pipe (process));
  assert_line (lines, "ready 1 torrents");
  relative = relative_path (state);
  cli (run, "serve", "--state", relative, NULL);
  assert_failed (run, 1);
  g_assert_nonnull (strstr (run->err, "in use"));
  stop (process, SIGTERM, 143);
}

static void
test_failures (Fixture       *fixture,
               gconstpointer  data)
{
  Run *run = &fixture->run;
  g_autofree char *in_file = g_build_filename (fixture->torrent, "x", NULL);

  cli (run, "download", fixture->torrent, "--dir", in_file, NULL);
  assert_failed (run, 1);
  cli (run, "download", "http://127.0.0.1:1/x.torrent", "--dir", fixture->dir, NULL);
  assert_failed (run, 1);
  cli (run, "download", "/nonexistent.torrent", "--dir", fixture->dir, NULL);
  assert_failed (run, 2);
}

static void
show_folder (const char *corpus,
             const char *name)
{
  g_autofree char *path = g_build_filename (corpus, name, NULL);
  g_autoptr(GDir) dir = g_dir_open (path, 0, NULL);
  const char *file;
  Run run = { 0 };

  while (dir != NULL && (file = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *torrent = g_build_filename (path, file, NULL);

      if (!g_str_has_suffix (file, ".torrent"))
        continue;
      for (guint json = 0; json < 2; json++)
        {
          cli (&run, "show", torrent, json ? "--json" : NULL, NULL);
          if (run.status == 0)
            g_assert_cmpstr (run.err, ==, "");
          else
            assert_failed (&run, 2);
        }
      g_assert_true (g_str_is_ascii (run.out));
    }
  run_clear (&run);
}

static void
test_corpus (void)
{
  show_folder (shoal_test_corpus (), "torrents");
  show_folder (shoal_test_corpus (), "bencode");
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cli/parse-size", test_parse_size);
  g_test_add_func ("/cli/is-peer", test_is_peer);
#define ADD(name, func) g_test_add ("/cli/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("usage", test_usage);
  ADD ("show", test_show);
  ADD ("magnet", test_magnet);
  ADD ("create", test_create);
  ADD ("verify", test_verify);
  ADD ("transfer", test_transfer);
  ADD ("terminal", test_terminal);
  ADD ("numbers", test_numbers);
  ADD ("select", test_select);
  ADD ("seed-limits", test_seed_limits);
  ADD ("serve", test_serve);
  ADD ("failures", test_failures);
#undef ADD
  if (shoal_test_corpus () != NULL)
    g_test_add_func ("/cli/corpus", test_corpus);
  return g_test_run ();
}
