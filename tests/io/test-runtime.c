/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two whole clients in one process: start, transfer over loopback, stop. */

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "content.h"
#include "shoal-error.h"
#include "shoal-rng.h"
#include "shoal-runtime.h"
#include "shoal-test.h"
#include "shoal-torrent-writer.h"

#define PIECE_SIZE (64 * 1024)
#define DATA_SIZE  (5 * 1024 * 1024 + 12345)   /* bytes */
#define DEADLINE_S 60

typedef struct
{
  ShoalRuntime     *runtime;
  guint             n_events[SHOAL_EVENT_QUIT + 1];
  guint             port;
  ShoalTorrentState state;   /* the last that was told */
  ShoalReason       reason;
  char             *error;   /* of the last REPLY */
  gboolean          ends;    /* frees itself when QUIT comes */
} Client;

static void
client_event (ShoalEvent *event,
              gpointer    user_data)
{
  Client *self = user_data;

  self->n_events[event->type]++;
  if (event->type == SHOAL_EVENT_LISTENING)
    self->port = event->count;
  if (event->type == SHOAL_EVENT_STATE)
    {
      self->state = event->state;
      self->reason = event->reason;
    }
  if (event->type == SHOAL_EVENT_REPLY && event->error != NULL)
    {
      g_free (self->error);
      self->error = g_strdup (event->error->message);
    }
  if (event->type == SHOAL_EVENT_QUIT && self->ends)
    g_clear_pointer (&self->runtime, shoal_runtime_free);
  shoal_event_free (event);
}

static void
client_start (Client     *self,
              const char *state_dir)
{
  g_autoptr(GError) error = NULL;
  ShoalConfig config;

  shoal_config_init (&config);
  self->runtime = shoal_runtime_new (state_dir, &config, client_event, self, &error);
  g_assert_no_error (error);
}

static void
client_stop (Client *self)
{
  g_clear_pointer (&self->runtime, shoal_runtime_free);
  g_clear_pointer (&self->error, g_free);
}

static gboolean
is_over (gpointer user_data)
{
  g_error ("Nothing came for %d seconds", DEADLINE_S);

  return G_SOURCE_REMOVE;
}

#define WAIT(condition) \
  G_STMT_START { \
    guint deadline_id = g_timeout_add_seconds (DEADLINE_S, is_over, NULL); \
    while (!(condition)) \
      g_main_context_iteration (NULL, TRUE); \
    g_source_remove (deadline_id); \
  } G_STMT_END

/* --- Without a thread --- */

static void
test_detached (void)
{
  Client client = { 0 };
  ShoalCommand *command;

  client.runtime = shoal_runtime_new_detached (client_event, &client);
  g_assert_null (shoal_runtime_next_command (client.runtime));
  for (guint i = 1; i <= 3; i++)
    {
      command = shoal_command_new (SHOAL_COMMAND_PAUSE);
      command->serial = i;
      shoal_runtime_send (client.runtime, command);
    }
  for (guint i = 1; i <= 2; i++)
    {
      command = shoal_runtime_next_command (client.runtime);
      g_assert_cmpuint (command->serial, ==, i);
      shoal_command_free (command);
    }
  shoal_runtime_inject (client.runtime, shoal_event_new (SHOAL_EVENT_READY));
  g_assert_cmpuint (client.n_events[SHOAL_EVENT_READY], ==, 1);
  client_stop (&client);
}

/* --- Beginning and end --- */

static void
test_ready (void)
{
  Client client = { 0 };

  client_start (&client, NULL);
  WAIT (client.n_events[SHOAL_EVENT_READY] > 0 && client.port != 0);
  client_stop (&client);
  g_assert_cmpuint (client.n_events[SHOAL_EVENT_READY], ==, 1);
}

static void
test_free_at_once (void)
{
  Client client = { 0 };

  client_start (&client, NULL);
  client_stop (&client);
  for (guint i = 0; i < G_N_ELEMENTS (client.n_events); i++)
    g_assert_cmpuint (client.n_events[i], ==, 0);
}

static void
test_quit (void)
{
  Client client = { .ends = TRUE };

  client_start (&client, NULL);
  shoal_runtime_send (client.runtime, shoal_command_new (SHOAL_COMMAND_QUIT));
  WAIT (client.runtime == NULL);
  g_assert_cmpuint (client.n_events[SHOAL_EVENT_QUIT], ==, 1);
  client_stop (&client);
}

static void
test_state_dir_in_use (void)
{
  g_autofree char *dir = shoal_test_temp_dir ();
  g_autofree char *state = g_build_filename (dir, "state", NULL);
  g_autoptr(GError) error = NULL;
  Client client = { 0 };
  ShoalConfig config;

  client_start (&client, state);
  WAIT (client.n_events[SHOAL_EVENT_READY] > 0);
  shoal_config_init (&config);
  g_assert_null (shoal_runtime_new (state, &config, client_event, &client, &error));
  g_assert_error (error, SHOAL_STORE_ERROR, SHOAL_STORE_ERROR_IN_USE);
  client_stop (&client);

  client_start (&client, state);
  client_stop (&client);
  shoal_test_remove_temp_dir (dir);
}

/* --- A torrent --- */

static GBytes *
make_torrent (const char *dir)
{
  g_autofree guint8 *data = g_malloc (DATA_SIZE);
  g_autofree char *path = g_build_filename (dir, "data.bin", NULL);
  g_autoptr(GByteArray) pieces = g_byte_array_new ();
  g_autoptr(GError) error = NULL;
  const ShoalTorrentFile file = { .size = DATA_SIZE };
  ShoalTorrentSpec spec = {
    .versions = SHOAL_TORRENT_V1,
    .name = "data.bin",
    .single = TRUE,
    .files = &file,
    .n_files = 1,
    .piece_size = PIECE_SIZE,
    .creation_date = -1,
  };
  GBytes *torrent;
  ShoalRng rng;

  shoal_rng_init (&rng, shoal_test_seed ());
  shoal_rng_bytes (&rng, data, DATA_SIZE);
  g_file_set_contents (path, (const char *) data, DATA_SIZE, &error);
  g_assert_no_error (error);

  for (gsize at = 0; at < DATA_SIZE; at += PIECE_SIZE)
    {
      gsize size = MIN (PIECE_SIZE, DATA_SIZE - at);
      g_autoptr(GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA1);
      guint8 digest[20];
      gsize digest_size = sizeof digest;

      g_checksum_update (sum, data + at, (gssize) size);
      g_checksum_get_digest (sum, digest, &digest_size);
      g_byte_array_append (pieces, digest, sizeof digest);
    }
  spec.pieces = pieces->data;
  spec.n_pieces = pieces->len / 20;
  torrent = shoal_torrent_write (&spec, &error);
  g_assert_no_error (error);

  return torrent;
}

static void
client_add (Client     *self,
            GBytes     *torrent,
            const char *dir,
            guint       peer_port)
{
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_ADD);

  command->serial = 1;
  command->add = shoal_add_options_new ();
  command->add->metainfo = g_bytes_ref (torrent);
  command->add->dir = g_strdup (dir);
  if (peer_port != 0)
    {
      g_autofree char *peer = g_strdup_printf ("127.0.0.1:%u", peer_port);

      command->add->peers = g_strsplit (peer, " ", -1);
    }
  shoal_runtime_send (self->runtime, command);
}

static void
assert_same_file (const char *dir_a,
                  const char *dir_b)
{
  g_autoptr(GBytes) a = shoal_test_read (dir_a, "data.bin");
  g_autoptr(GBytes) b = shoal_test_read (dir_b, "data.bin");

  g_assert_true (g_bytes_equal (a, b));
}

static void
test_transfer (void)
{
  g_autofree char *seed_dir = shoal_test_temp_dir ();
  g_autofree char *peer_dir = shoal_test_temp_dir ();
  g_autoptr(GBytes) torrent = make_torrent (seed_dir);
  Client seed = { 0 };
  Client peer = { 0 };

  client_start (&seed, NULL);
  client_start (&peer, NULL);
  client_add (&seed, torrent, seed_dir, 0);
  WAIT (seed.port != 0 && seed.state == SHOAL_TORRENT_SEEDING);
  g_assert_cmpstr (seed.error, ==, NULL);
  client_add (&peer, torrent, peer_dir, seed.port);
  WAIT (peer.n_events[SHOAL_EVENT_COMPLETE] > 0);
  g_assert_cmpstr (peer.error, ==, NULL);
  assert_same_file (seed_dir, peer_dir);

  client_stop (&peer);
  client_stop (&seed);
  shoal_test_remove_temp_dir (seed_dir);
  shoal_test_remove_temp_dir (peer_dir);
}

/* A file that is cut off while it is seeded: the torrent fails as soon as somebody asks for what is
 * gone. */
static void
test_cut_off (void)
{
  g_autofree char *seed_dir = shoal_test_temp_dir ();
  g_autofree char *peer_dir = shoal_test_temp_dir ();
  g_autofree char *path = g_build_filename (seed_dir, "data.bin", NULL);
  g_autoptr(GBytes) torrent = make_torrent (seed_dir);
  Client seed = { 0 };
  Client peer = { 0 };

  client_start (&seed, NULL);
  client_start (&peer, NULL);
  client_add (&seed, torrent, seed_dir, 0);
  WAIT (seed.port != 0 && seed.state == SHOAL_TORRENT_SEEDING);
  g_assert_cmpint (truncate (path, DATA_SIZE - PIECE_SIZE), ==, 0);
  client_add (&peer, torrent, peer_dir, seed.port);
  WAIT (seed.state == SHOAL_TORRENT_FAILED);
  g_assert_cmpint (seed.reason, ==, SHOAL_REASON_DATA_MISSING);
  g_assert_cmpuint (peer.n_events[SHOAL_EVENT_COMPLETE], ==, 0);

  client_stop (&peer);
  client_stop (&seed);
  shoal_test_remove_temp_dir (seed_dir);
  shoal_test_remove_temp_dir (peer_dir);
}

/* --- Torrents with the same files --- */

static const ContentFile their_files[] = { { "a/one", 3000000 }, { "b/two", 70000 }, { "c", 5 } };
static const ContentFile our_files[] = { { "one", 3000000 }, { "two", 70000 } };
static const ContentFile plain_files[] = { { "k/other-name", 3000000 }, { "k/two", 70000 } };

/* The .torrent of @content with @other named as similar to it. (transfer full) */
static GBytes *
with_similar (const Content *content,
              const Content *other)
{
  GByteArray *bytes = g_byte_array_new ();
  ShoalSha1 keys[2];
  gsize size;
  const guint8 *data = g_bytes_get_data (content->torrent, &size);

  shoal_info_hash_keys (&other->metainfo->hash, keys);
  g_byte_array_append (bytes, data, (guint) size - 1);
  g_byte_array_append (bytes, (const guint8 *) "7:similarl20:", 13);
  g_byte_array_append (bytes, keys[0].bytes, sizeof keys[0]);
  g_byte_array_append (bytes, (const guint8 *) "ee", 2);

  return g_byte_array_free_to_bytes (bytes);
}

/* Adds a torrent all of whose files another one has: it is complete with nobody to ask. */
static void
add_same (Client        *client,
          GBytes        *torrent,
          const Content *content,
          const char    *dir)
{
  guint n_before = client->n_events[SHOAL_EVENT_COMPLETE];

  client_add (client, torrent, dir, 0);
  WAIT (client->n_events[SHOAL_EVENT_COMPLETE] > n_before);
  g_assert_cmpstr (client->error, ==, NULL);
  for (guint32 file = 0; file < content->metainfo->layout->n_files; file++)
    if (content->metainfo->layout->file_pad[file] == 0)
      g_assert_true (content_is_in (content, dir, file));
}

/* A hybrid in larger pieces has the files of a lone v2 torrent at once; and after a restart a v1
 * torrent those of it. */
static void
test_same_files (void)
{
  g_autofree char *dir = shoal_test_temp_dir ();
  g_autofree char *state = g_build_filename (dir, "state", NULL);
  g_autofree char *theirs = g_build_filename (dir, "theirs", NULL);
  g_autofree char *ours = g_build_filename (dir, "ours", NULL);
  g_autofree char *one = g_build_filename (theirs, "their/a/one", NULL);
  g_autoptr(Content) first = content_new ("their", SHOAL_TORRENT_V2, 16384, their_files, 3, 5);
  g_autoptr(Content) second = content_new ("our", SHOAL_TORRENT_HYBRID, 131072, our_files, 2, 5);
  g_autoptr(Content) third = content_new ("plain", SHOAL_TORRENT_V1, 65536, plain_files, 2, 5);
  g_autoptr(GBytes) third_torrent = with_similar (third, second);
  struct stat before, after;
  Client client = { 0 };

  content_write (first, theirs);
  g_assert_cmpint (mkdir (ours, 0755), ==, 0);
  g_assert_cmpint (stat (one, &before), ==, 0);
  client_start (&client, state);
  client_add (&client, first->torrent, theirs, 0);
  WAIT (client.n_events[SHOAL_EVENT_COMPLETE] == 1);
  add_same (&client, second->torrent, second, ours);
  g_assert_cmpint (stat (one, &after), ==, 0);
  g_assert_cmpint (before.st_mtim.tv_sec, ==, after.st_mtim.tv_sec);
  g_assert_cmpint (before.st_mtim.tv_nsec, ==, after.st_mtim.tv_nsec);
  g_assert_cmpint (before.st_ino, ==, after.st_ino);
  for (guint32 file = 0; file < 3; file++)
    g_assert_true (content_is_in (first, theirs, file));
  client_stop (&client);

  client_start (&client, state);
  WAIT (client.n_events[SHOAL_EVENT_READY] == 2);
  add_same (&client, third_torrent, third, ours);
  client_stop (&client);
  shoal_test_remove_temp_dir (dir);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/io/runtime/detached", test_detached);
  g_test_add_func ("/io/runtime/ready", test_ready);
  g_test_add_func ("/io/runtime/free-at-once", test_free_at_once);
  g_test_add_func ("/io/runtime/quit", test_quit);
  g_test_add_func ("/io/runtime/state-dir-in-use", test_state_dir_in_use);
  g_test_add_func ("/io/runtime/transfer", test_transfer);
  g_test_add_func ("/io/runtime/cut-off", test_cut_off);
  g_test_add_func ("/io/runtime/same-files", test_same_files);

  return g_test_run ();
}
