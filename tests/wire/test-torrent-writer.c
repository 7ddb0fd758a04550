/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of the .torrent writer; the hashes are those that another implementation gave for the same
 * files. */

#include "shoal-torrent-writer.h"

#include <string.h>

#include "shoal-error.h"
#include "shoal-merkle.h"

#define PIECE_SIZE 16384u

typedef struct
{
  const char *path[3];
  guint32     size;
  guint32     seed;
  gboolean    executable;
  const char *symlink[3];
} Sample;

static const Sample several[] = {
  { { ".hid" }, 7, 4, FALSE, { NULL } },
  { { "a", "big.bin" }, 100000, 1, FALSE, { NULL } },
  { { "a.txt" }, 5, 2, FALSE, { NULL } },
  { { "empty" }, 0, 0, FALSE, { NULL } },
  { { "run.sh" }, 16384, 3, TRUE, { NULL } },
  { { "z" }, 40000, 5, FALSE, { NULL } },
};

static const Sample with_link[] = {
  { { ".hid" }, 7, 4, FALSE, { NULL } },
  { { "a", "big.bin" }, 100000, 1, FALSE, { NULL } },
  { { "a.txt" }, 5, 2, FALSE, { NULL } },
  { { "empty" }, 0, 0, FALSE, { NULL } },
  { { "link" }, 0, 0, TRUE, { "a", "big.bin" } },
  { { "run.sh" }, 16384, 3, TRUE, { NULL } },
  { { "z" }, 40000, 5, FALSE, { NULL } },
};

static const Sample lone[] = { { { "lone.bin" }, 50000, 6, FALSE, { NULL } } };
static const Sample lone_executable[] = { { { "lonex" }, 10, 7, TRUE, { NULL } } };

typedef struct
{
  ShoalTorrentSpec spec;
  GArray          *files;     /* of ShoalTorrentFile */
  GPtrArray       *layers;
  GByteArray      *stream;    /* v1 address space */
  GByteArray      *pieces;
} Made;

static guint8 *
make_data (guint32 size,
           guint32 seed)
{
  guint8 *data = g_malloc (size + 1);

  for (guint32 i = 0; i < size; i++)
    {
      seed = seed * 1103515245u + 12345u;
      data[i] = (guint8) (seed >> 16);
    }

  return data;
}

static void
hash_file (Made             *made,
           ShoalTorrentFile *file,
           const guint8     *data)
{
  guint n = (guint) (file->size / PIECE_SIZE + (file->size % PIECE_SIZE != 0));
  ShoalMerkle merkle;

  if (file->size == 0)
    return;
  if (n == 1)
    {
      shoal_merkle_data_root (data, file->size, 1, &file->root);
      return;
    }
  shoal_merkle_init (&merkle);
  file->layer = g_malloc (n * SHOAL_SHA256_SIZE);
  g_ptr_array_add (made->layers, (gpointer) file->layer);
  for (guint i = 0; i < n; i++)
    {
      ShoalSha256 root;

      shoal_merkle_data_root (data + i * PIECE_SIZE, MIN (file->size - i * PIECE_SIZE, PIECE_SIZE),
                              1, &root);
      memcpy ((guint8 *) file->layer + i * SHOAL_SHA256_SIZE, root.bytes, SHOAL_SHA256_SIZE);
      shoal_merkle_add (&merkle, &root);
    }
  shoal_merkle_root (&merkle, shoal_merkle_round_up (n), 0, &file->root);
}

static void
make (Made                *made,
      const Sample        *samples,
      guint                n,
      const char          *name,
      ShoalTorrentVersions versions)
{
  static const guint8 zeros[PIECE_SIZE];

  *made = (Made){
    .spec = { .versions = versions,
              .name = name,
              .single = n == 1,
              .n_files = n,
              .piece_size = PIECE_SIZE,
              .creation_date = -1 },
    .files = g_array_new (FALSE, TRUE, sizeof (ShoalTorrentFile)),
    .layers = g_ptr_array_new_with_free_func (g_free),
    .stream = g_byte_array_new (),
    .pieces = g_byte_array_new (),
  };
  g_array_set_size (made->files, n);
  made->spec.files = (const ShoalTorrentFile *) (gpointer) made->files->data;
  for (guint i = 0; i < n; i++)
    {
      ShoalTorrentFile *file = &g_array_index (made->files, ShoalTorrentFile, i);
      g_autofree guint8 *data = make_data (samples[i].size, samples[i].seed);

      file->path = samples[i].path;
      file->size = samples[i].size;
      file->flags = samples[i].executable ? SHOAL_FILE_EXECUTABLE : 0;
      if (samples[i].symlink[0] != NULL)
        {
          file->flags |= SHOAL_FILE_SYMLINK;
          file->symlink = samples[i].symlink;
        }
      hash_file (made, file, data);
      g_byte_array_append (made->stream, data, samples[i].size);
      g_byte_array_append (made->stream, zeros, (guint) shoal_torrent_pad_size (&made->spec, i));
    }
  for (guint at = 0; at < made->stream->len; at += PIECE_SIZE)
    {
      ShoalSha1 hash;

      shoal_sha1 (made->stream->data + at, MIN (made->stream->len - at, PIECE_SIZE), &hash);
      g_byte_array_append (made->pieces, hash.bytes, SHOAL_SHA1_SIZE);
    }
  made->spec.pieces = made->pieces->data;
  made->spec.n_pieces = made->pieces->len / SHOAL_SHA1_SIZE;
}

static void
made_clear (Made *made)
{
  g_array_unref (made->files);
  g_ptr_array_unref (made->layers);
  g_byte_array_unref (made->stream);
  g_byte_array_unref (made->pieces);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Made, made_clear)

static void
check_hashes (const Sample        *samples,
              guint                n,
              const char          *name,
              ShoalTorrentVersions versions,
              const char          *v1,
              const char          *v2)
{
  g_auto (Made) made = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (ShoalMetainfo) metainfo = NULL;
  g_autofree char *hex1 = NULL;
  g_autofree char *hex2 = NULL;

  make (&made, samples, n, name, versions);
  bytes = shoal_torrent_write (&made.spec, &error);
  g_assert_no_error (error);
  metainfo = shoal_metainfo_parse (bytes, &error);
  g_assert_no_error (error);
  hex1 = metainfo->hash.has_v1 ? shoal_hex (metainfo->hash.v1.bytes, SHOAL_SHA1_SIZE) : NULL;
  hex2 = metainfo->hash.has_v2 ? shoal_hex (metainfo->hash.v2.bytes, SHOAL_SHA256_SIZE) : NULL;
  g_assert_cmpstr (hex1, ==, v1);
  g_assert_cmpstr (hex2, ==, v2);
  g_assert_cmpint (metainfo->single, ==, n == 1);
  g_assert_false (metainfo->layers_missing);
  g_assert_cmpuint (g_strv_length (metainfo->warnings), ==, 0);
}

static void
test_hashes (void)
{
  check_hashes (lone, 1, "lone.bin", SHOAL_TORRENT_V1, "c95cff4768c94cad00381059405ca15660d8bd61",
                NULL);
  check_hashes (lone, 1, "lone.bin", SHOAL_TORRENT_V2,
                NULL, "e3b3b0d8b6d925fc44190e70c610d7240c42bd5ed75d1cedc3cc37df69ca919d");
  check_hashes (lone, 1, "lone.bin", SHOAL_TORRENT_HYBRID,
                "1b7eb9514f6eede5186c22d855af2841d648026b",
                "de0929d0171660c07d57aa424189fae8dbe2ebab8dc1b1876c3d650a70a15f06");
  check_hashes (lone_executable, 1, "lonex", SHOAL_TORRENT_V1,
                "024d138a22c4b37c7f45d66f2dd0d8617c6f592f", NULL);
  check_hashes (lone_executable, 1, "lonex", SHOAL_TORRENT_HYBRID,
                "f40c6ab7900e140461d5bfcd17f8279d2f259050",
                "8512a98c576c983e2b9d23e484b53b0867c3fd20e1aff589c6220189d7293d33");
  check_hashes (with_link, G_N_ELEMENTS (with_link), "multi", SHOAL_TORRENT_V2,
                NULL, "0f1c4a53cf2460afb021573b685f069f2217b3d7999ea010e48fb4c10503dd46");
  check_hashes (with_link, G_N_ELEMENTS (with_link), "multi", SHOAL_TORRENT_HYBRID,
                "734951176c9e6dcf7059915d4225c6e9ecab4759",
                "ee890686cd4d1396d56f77b94e6d0760407faf6d52d82cf98dababe8b3e10cb6");
  check_hashes (several, G_N_ELEMENTS (several), "multi", SHOAL_TORRENT_V2,
                NULL, "7ca6e1237084388b0e64d604aeaffcb24513a90d1e4f81e8744952c0f9a42eb7");
  check_hashes (several, G_N_ELEMENTS (several), "multi", SHOAL_TORRENT_HYBRID,
                "e3b8c3aef34df9818dcd0b24a7304ebc7e9164cb",
                "aee2959159b828dbe9a3acb86d9f4a701f0052bff89fe608f132398daafc94d8");
}

static void
test_pieces (void)
{
  static const ShoalTorrentVersions versions[] = { SHOAL_TORRENT_V1, SHOAL_TORRENT_V2,
                                                   SHOAL_TORRENT_HYBRID };

  for (guint v = 0; v < G_N_ELEMENTS (versions); v++)
    {
      g_auto (Made) made = { 0 };
      g_autoptr (GBytes) bytes = NULL;
      g_autoptr (ShoalMetainfo) metainfo = NULL;

      make (&made, several, G_N_ELEMENTS (several), "multi", versions[v]);
      bytes = shoal_torrent_write (&made.spec, NULL);
      metainfo = shoal_metainfo_parse (bytes, NULL);
      g_assert_cmpuint (metainfo->layout->payload_size, ==, 156396);
      g_assert_cmpuint (metainfo->layout->n_pieces, ==, versions[v] == SHOAL_TORRENT_V1 ? 10 : 13);
      g_assert_cmpint (metainfo->layout->aligned, ==, versions[v] == SHOAL_TORRENT_V2);
      for (guint32 piece = 0; piece < metainfo->layout->n_pieces; piece++)
        {
          ShoalSha1 sha1;
          ShoalSha256 root, have;

          g_assert_cmpint (shoal_metainfo_piece_sha1 (metainfo, piece, &sha1), ==,
                           versions[v] != SHOAL_TORRENT_V2);
          g_assert_cmpint (shoal_metainfo_piece_root (metainfo, piece, &root), ==,
                           versions[v] != SHOAL_TORRENT_V1);
          if (versions[v] == SHOAL_TORRENT_HYBRID)
            {
              guint32 file = metainfo->layout->piece_file[piece];
              guint64 offset = shoal_layout_piece_offset (metainfo->layout, piece);
              guint64 end = metainfo->layout->file_offset[file] + metainfo->layout->file_size[file];

              shoal_merkle_data_root (made.stream->data + offset, MIN (end - offset, PIECE_SIZE),
                                      shoal_metainfo_piece_leaves (metainfo, piece), &have);
              g_assert_cmpmem (have.bytes, sizeof have, root.bytes, sizeof root);
            }
        }
    }
}

static void
test_texts (void)
{
  const char *tier1[] = { "http://a/announce", "udp://b:1", NULL };
  const char *tier2[] = { "https://c/announce", NULL };
  char **tiers[] = { (char **) tier1, (char **) tier2, NULL };
  const char *seeds[] = { "http://seed/x", NULL };
  g_auto (Made) made = { 0 };
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (ShoalMetainfo) metainfo = NULL;

  make (&made, lone, 1, "lone.bin", SHOAL_TORRENT_HYBRID);
  made.spec.trackers = tiers;
  made.spec.web_seeds = (char **) seeds;
  made.spec.comment = "für dich";
  made.spec.source = "S";
  made.spec.created_by = "Shoal";
  made.spec.creation_date = 1234567890;
  made.spec.is_private = TRUE;
  bytes = shoal_torrent_write (&made.spec, NULL);
  metainfo = shoal_metainfo_parse (bytes, NULL);
  g_assert_true (g_strv_equal ((const char *const *) metainfo->trackers[0], tier1));
  g_assert_true (g_strv_equal ((const char *const *) metainfo->trackers[1], tier2));
  g_assert_null (metainfo->trackers[2]);
  g_assert_true (g_strv_equal ((const char *const *) metainfo->web_seeds, seeds));
  g_assert_cmpstr (metainfo->comment, ==, "für dich");
  g_assert_cmpstr (metainfo->source, ==, "S");
  g_assert_cmpstr (metainfo->created_by, ==, "Shoal");
  g_assert_cmpint (metainfo->creation_date, ==, 1234567890);
  g_assert_true (metainfo->is_private);
}

static void
expect_refused (const ShoalTorrentSpec *spec)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = shoal_torrent_write (spec, &error);

  g_assert_null (bytes);
  g_assert_error (error, SHOAL_WIRE_ERROR, SHOAL_WIRE_ERROR_MALFORMED);
}

static void
test_refused (void)
{
  g_auto (Made) made = { 0 };
  ShoalTorrentSpec spec;
  ShoalTorrentFile swapped[2];

  make (&made, several, G_N_ELEMENTS (several), "multi", SHOAL_TORRENT_HYBRID);
  spec = made.spec;
  spec.piece_size = 20000;
  expect_refused (&spec);
  spec = made.spec;
  spec.n_pieces -= 1;
  expect_refused (&spec);
  spec = made.spec;
  swapped[0] = made.spec.files[2];
  swapped[1] = made.spec.files[0];
  spec.files = swapped;
  spec.n_files = 2;
  spec.n_pieces = 2;
  expect_refused (&spec);
  spec.n_files = 0;
  expect_refused (&spec);
}

static void
test_order (void)
{
  static const char *const in_folder[] = { "a", "x", NULL };
  static const char *const beside[] = { "a.txt", NULL };
  static const char *const upper[] = { "Z", NULL };
  static const char *const high[] = { "\xc3\xa4", NULL };

  g_assert_cmpint (shoal_torrent_compare_paths (in_folder, beside), <, 0);
  g_assert_cmpint (shoal_torrent_compare_paths (upper, in_folder), <, 0);
  g_assert_cmpint (shoal_torrent_compare_paths (high, beside), >, 0);
  g_assert_cmpint (shoal_torrent_compare_paths (high, high), ==, 0);
}

static void
test_piece_size (void)
{
  g_assert_cmpuint (shoal_torrent_choose_piece_size (0), ==, 16384);
  g_assert_cmpuint (shoal_torrent_choose_piece_size (G_GUINT64_CONSTANT (1) << 60), ==,
                    32 * 1024 * 1024);
  for (guint64 total = 64 * 1024 * 1024; total < (G_GUINT64_CONSTANT (1) << 35);
       total = total * 5 / 4)
    {
      guint64 n = total / shoal_torrent_choose_piece_size (total);

      g_assert_cmpuint (n, >=, 1050);
      g_assert_cmpuint (n, <=, 2130);
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/torrent-writer/hashes", test_hashes);
  g_test_add_func ("/wire/torrent-writer/pieces", test_pieces);
  g_test_add_func ("/wire/torrent-writer/texts", test_texts);
  g_test_add_func ("/wire/torrent-writer/refused", test_refused);
  g_test_add_func ("/wire/torrent-writer/order", test_order);
  g_test_add_func ("/wire/torrent-writer/piece-size", test_piece_size);
  return g_test_run ();
}
