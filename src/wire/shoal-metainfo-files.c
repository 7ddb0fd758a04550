/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of a .torrent: the list of v1, the tree of v2, and the two held against each other. */

/*
 * Names come through ShoalPathSet, so whatever a torrent says its files are relative, valid and
 * unlike each other. The sum of all paths is bounded: a tree can name a deep folder once and put
 * any number of files into it.
 *
 * Of a hybrid the v1 list counts, for it says where bytes lie. The tree is then walked beside it:
 * every file must be the same in both, in the same order, and begin at a piece; else the two
 * halves describe different torrents and the whole is refused.
 *
 * A symlink has no bytes: a length that is given beside it does not count in the layout.
 */

#include <string.h>

#include "shoal-metainfo-private.h"
#include "shoal-path.h"

#define PAD_PREFIX      "_____padding_file_"   /* pad files of before BEP 47 */
#define COMPONENTS_MAX  256u                   /* of a path as it is read */

typedef struct
{
  const guint8 *bytes;
  gsize         size;
} Component;

/*
 * @raw: components of the folder or file that the walk is at, as they were read
 * @item: hybrid: the v1 file that must come next; NONE behind the last
 * @index: its index
 */
typedef struct
{
  ShoalMetainfoParser *parser;
  GArray              *files;       /* of ShoalMetainfoFile */
  ShoalPathSet        *paths;
  gsize                path_bytes;
  guint                n_renamed;
  GArray              *raw;         /* of Component */
  gboolean             hybrid;
  ShoalBencodeNode     item;
  guint32              index;
} Walk;

static void
clear_file (gpointer data)
{
  ShoalMetainfoFile *file = data;

  g_free (file->path);
  g_free (file->symlink);
}

static Walk
begin_walk (ShoalMetainfoParser *parser)
{
  Walk self = { .parser = parser };

  self.files = g_array_new (FALSE, TRUE, sizeof (ShoalMetainfoFile));
  g_array_set_clear_func (self.files, clear_file);
  self.paths = shoal_path_set_new ();
  self.raw = g_array_new (FALSE, FALSE, sizeof (Component));

  return self;
}

static void
end_walk (Walk *self)
{
  g_array_unref (self->files);
  shoal_path_set_free (self->paths);
  g_array_unref (self->raw);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Walk, end_walk)

static gboolean
too_large (GError    **error,
           const char *message)
{
  g_set_error_literal (error, SHOAL_WIRE_ERROR, SHOAL_WIRE_ERROR_TOO_LARGE, message);
  return FALSE;
}

static gboolean
disagree (GError                 **error,
          const char              *about,
          const ShoalMetainfoFile *file)
{
  return shoal_metainfo_fail (error,
                              "The v1 and v2 halves disagree about the %s of “%s”",
                              about,
                              file->path);
}

static void
push_raw (Walk         *self,
          const guint8 *bytes,
          gsize         size)
{
  Component component = { bytes, size };

  g_array_append_val (self->raw, component);
}

/* The raw components as safe names, with @name put before them. */
static GPtrArray *
clean_components (const GArray *raw,
                  const char   *name)
{
  GPtrArray *components = g_ptr_array_new_with_free_func (g_free);

  if (name != NULL)
    g_ptr_array_add (components, g_strdup (name));
  for (guint i = 0; i < raw->len; i++)
    {
      const Component *component = &g_array_index (raw, Component, i);
      char *clean = shoal_path_clean_component (component->bytes, component->size);

      if (clean != NULL)
        g_ptr_array_add (components, clean);
    }

  return components;
}

/* Adds a file whose raw path is in @self->raw; a lone file at the top has none. */
static gboolean
add_file (Walk              *self,
          ShoalMetainfoFile *file,
          GError           **error)
{
  const ShoalMetainfo *out = self->parser->out;
  g_autoptr (GPtrArray) components = clean_components (self->raw, out->name);
  gboolean dropped = components->len != self->raw->len + 1;
  gboolean changed = FALSE;

  if (!out->single && components->len == 1)
    g_ptr_array_add (components, g_strdup ("_"));
  g_ptr_array_add (components, NULL);
  file->path = shoal_path_set_add (self->paths, (const char *const *) components->pdata, &changed);
  if ((changed || dropped) && (file->flags & SHOAL_FILE_PAD) == 0)
    shoal_metainfo_warn (self->parser, "A path was made safe or unique: “%s”", file->path);

  /* Letters beyond ASCII take their time to be compared without case. */
  self->path_bytes += strlen (file->path) * (g_str_is_ascii (file->path) ? 1 : 2);
  g_array_append_val (self->files, *file);
  if (self->files->len > SHOAL_FILES_MAX || self->path_bytes > SHOAL_METAINFO_PATHS_MAX)
    return too_large (error, "There are too many files or too long paths");

  return TRUE;
}

static ShoalFileFlags
read_attributes (ShoalBencodeNode file)
{
  gsize size;
  const guint8 *attr = shoal_bencode_bytes (shoal_bencode_get (file, "attr"), &size);
  ShoalFileFlags flags = 0;

  for (gsize i = 0; i < size; i++)
    switch (attr[i])
      {
      case 'p':
        flags |= SHOAL_FILE_PAD;
        break;
      case 'x':
        flags |= SHOAL_FILE_EXECUTABLE;
        break;
      case 'h':
        flags |= SHOAL_FILE_HIDDEN;
        break;
      case 'l':
        flags |= SHOAL_FILE_SYMLINK;
        break;
      default:
        break;
      }

  return flags;
}

/* The strings of a list to @raw, which is emptied first; FALSE if it is not a list of strings. */
static gboolean
read_components (GArray          *raw,
                 ShoalBencodeNode list)
{
  g_array_set_size (raw, 0);
  if (shoal_bencode_type (list) != SHOAL_BENCODE_LIST
      || shoal_bencode_count (list) > COMPONENTS_MAX)
    return FALSE;

  SHOAL_BENCODE_FOREACH (item, list)
    {
      Component component;

      component.bytes = shoal_bencode_bytes (item, &component.size);
      if (component.bytes == NULL)
        return FALSE;
      g_array_append_val (raw, component);
    }

  return TRUE;
}

static gboolean
are_utf8 (const GArray *raw)
{
  for (guint i = 0; i < raw->len; i++)
    {
      const Component *component = &g_array_index (raw, Component, i);

      if (component->size == 0
          || !g_utf8_validate_len ((const char *) component->bytes, component->size, NULL))
        return FALSE;
    }

  return raw->len > 0;
}

/* Attributes, size and target. A symlink without a usable target becomes an ordinary file. */
static gboolean
read_properties (Walk              *self,
                 ShoalBencodeNode   node,
                 ShoalMetainfoFile *file,
                 GError           **error)
{
  gint64 size = shoal_bencode_int (shoal_bencode_get (node, "length"), -1);

  file->flags = read_attributes (node);
  if ((file->flags & SHOAL_FILE_SYMLINK) != 0)
    {
      g_autoptr (GArray) raw = g_array_new (FALSE, FALSE, sizeof (Component));
      g_autoptr (GPtrArray) target = NULL;

      if (read_components (raw, shoal_bencode_get (node, "symlink path")))
        target = clean_components (raw, self->parser->out->name);
      if (target != NULL && target->len > 1 && target->len <= SHOAL_PATH_DEPTH_MAX
          && !self->parser->out->single)
        {
          g_ptr_array_add (target, NULL);
          file->symlink = g_strjoinv ("/", (char **) target->pdata);
        }
      if (file->symlink != NULL && strlen (file->symlink) <= SHOAL_PATH_BYTES_MAX)
        {
          self->path_bytes += strlen (file->symlink);
          size = MAX (size, 0);
        }
      else
        {
          shoal_metainfo_warn (self->parser,
                               "A symbolic link without a usable target became a file");
          g_clear_pointer (&file->symlink, g_free);
          file->flags &= ~SHOAL_FILE_SYMLINK;
        }
    }
  if (size < 0)
    return shoal_metainfo_fail (error, "A file has no length or a negative one");
  file->size = (guint64) size;

  return TRUE;
}

/* Takes the files to @out and lays them out. */
static gboolean
lay_out (Walk     *self,
         gboolean  aligned,
         GError  **error)
{
  ShoalMetainfo *out = self->parser->out;
  guint32 n = self->files->len;
  g_autofree guint64 *sizes = g_new0 (guint64, n);
  g_autofree guint8 *pads = g_new0 (guint8, n);
  const ShoalMetainfoFile *files = (const ShoalMetainfoFile *) (gpointer) self->files->data;

  for (guint32 i = 0; i < n; i++)
    {
      sizes[i] = (files[i].flags & SHOAL_FILE_SYMLINK) != 0 ? 0 : files[i].size;
      pads[i] = (files[i].flags & SHOAL_FILE_PAD) != 0;
    }
  out->layout = shoal_layout_new (self->parser->piece_size, n, sizes, pads, aligned, error);
  if (out->layout == NULL)
    return FALSE;
  out->files = (gpointer) g_array_free (g_steal_pointer (&self->files), FALSE);
  self->files = g_array_new (FALSE, TRUE, sizeof (ShoalMetainfoFile));

  return TRUE;
}

/* -- v1 */

static gboolean
is_old_pad (const GArray *raw)
{
  const Component *last;

  if (raw->len == 0)
    return FALSE;
  last = &g_array_index (raw, Component, raw->len - 1);

  return last->size >= strlen (PAD_PREFIX)
         && memcmp (last->bytes, PAD_PREFIX, strlen (PAD_PREFIX)) == 0;
}

static gboolean
read_v1_file (Walk             *self,
              ShoalBencodeNode  node,
              GError          **error)
{
  ShoalMetainfoFile file = { 0 };
  gboolean has_path;

  if (shoal_bencode_type (node) != SHOAL_BENCODE_DICT)
    return shoal_metainfo_fail (error, "The list of files holds something that is no file");
  if (!read_properties (self, node, &file, error))
    return FALSE;

  has_path = read_components (self->raw, shoal_bencode_get (node, "path.utf-8"))
             && are_utf8 (self->raw);
  if (!has_path)
    has_path = read_components (self->raw, shoal_bencode_get (node, "path"));
  if (has_path && is_old_pad (self->raw))
    file.flags |= SHOAL_FILE_PAD;
  if (!has_path && (file.flags & SHOAL_FILE_PAD) == 0)
    {
      clear_file (&file);
      return shoal_metainfo_fail (error, "A file has no path that is a list of strings");
    }
  if (!has_path || (self->raw->len == 0 && (file.flags & SHOAL_FILE_PAD) != 0))
    {
      g_array_set_size (self->raw, 0);
      push_raw (self, (const guint8 *) ".pad", 4);
    }

  return add_file (self, &file, error);
}

/* Bytes of pieces must be those of the layout, neither fewer nor more. */
static gboolean
check_pieces (ShoalMetainfoParser *self,
              GError             **error)
{
  gsize size;
  const guint8 *pieces = shoal_bencode_bytes (shoal_bencode_get (self->info, "pieces"), &size);
  guint32 n_pieces = self->out->layout->n_pieces;

  if (pieces == NULL)
    return shoal_metainfo_fail (error, "“pieces” is not a string");
  if (size % SHOAL_SHA1_SIZE != 0)
    return shoal_metainfo_fail (error, "“pieces” is not a multiple of 20 bytes");
  if (size / SHOAL_SHA1_SIZE != n_pieces)
    return shoal_metainfo_fail (error,
                                "There are %" G_GSIZE_FORMAT " piece hashes for %u pieces",
                                size / SHOAL_SHA1_SIZE,
                                n_pieces);
  self->out->pieces = pieces;

  return TRUE;
}

gboolean
shoal_metainfo_read_v1 (ShoalMetainfoParser *self,
                        GError             **error)
{
  g_auto (Walk) walk = begin_walk (self);
  ShoalBencodeNode files = shoal_bencode_get (self->info, "files");

  if (shoal_bencode_type (files) == SHOAL_BENCODE_LIST)
    {
      if (shoal_bencode_count (files) > SHOAL_FILES_MAX)
        return too_large (error, "There are too many files");
      SHOAL_BENCODE_FOREACH (item, files)
        if (!read_v1_file (&walk, item, error))
          return FALSE;
    }
  else
    {
      ShoalMetainfoFile file = { 0 };

      self->out->single = TRUE;
      if (!read_properties (&walk, self->info, &file, error))
        return FALSE;
      file.flags &= ~SHOAL_FILE_PAD;
      if (!add_file (&walk, &file, error))
        return FALSE;
    }
  if (walk.files->len == 0)
    return shoal_metainfo_fail (error, "There are no files");

  return lay_out (&walk, FALSE, error) && check_pieces (self, error);
}

/* -- v2 */

static gboolean
read_root (ShoalBencodeNode   node,
           ShoalMetainfoFile *file,
           GError           **error)
{
  gsize size;
  const guint8 *root = shoal_bencode_bytes (shoal_bencode_get (node, "pieces root"), &size);

  if (file->size == 0 || (file->flags & SHOAL_FILE_SYMLINK) != 0)
    return TRUE;
  if (root == NULL || size != SHOAL_SHA256_SIZE)
    return shoal_metainfo_fail (error, "A file has no “pieces root” of 32 bytes");
  memcpy (file->root.bytes, root, SHOAL_SHA256_SIZE);
  file->has_root = TRUE;

  return TRUE;
}

static gboolean
same_components (const GArray *a,
                 const GArray *b)
{
  if (a->len != b->len)
    return FALSE;
  for (guint i = 0; i < a->len; i++)
    {
      const Component *left = &g_array_index (a, Component, i);
      const Component *right = &g_array_index (b, Component, i);

      if (left->size != right->size || memcmp (left->bytes, right->bytes, left->size) != 0)
        return FALSE;
    }

  return TRUE;
}

/* Whether the v1 file at the cursor has the path that the walk is at. */
static gboolean
same_path (Walk *self)
{
  static const char *const keys[] = { "path", "path.utf-8" };
  static const char *const names[] = { "name", "name.utf-8" };
  g_autoptr (GArray) raw = g_array_new (FALSE, FALSE, sizeof (Component));

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      if (self->parser->out->single)
        {
          Component name;

          g_array_set_size (raw, 0);
          name.bytes = shoal_bencode_bytes (shoal_bencode_get (self->parser->info, names[i]),
                                            &name.size);
          if (name.bytes != NULL)
            g_array_append_val (raw, name);
        }
      else if (!read_components (raw, shoal_bencode_get (self->item, keys[i])))
        {
          continue;
        }
      if (same_components (raw, self->raw))
        return TRUE;
    }

  return FALSE;
}

static void
advance (Walk *self)
{
  self->item = shoal_bencode_next (self->item);
  self->index += 1;
}

static void
skip_pads (Walk *self)
{
  const ShoalMetainfo *out = self->parser->out;

  while (self->index < out->layout->n_files
         && (out->files[self->index].flags & SHOAL_FILE_PAD) != 0)
    advance (self);
}

/* Holds a file of the tree against the next of the list, and gives that its root. */
static gboolean
match_file (Walk              *self,
            ShoalMetainfoFile *file,
            GError           **error)
{
  ShoalMetainfo *out = self->parser->out;
  ShoalMetainfoFile *other;

  skip_pads (self);
  if (self->index >= out->layout->n_files)
    return shoal_metainfo_fail (error, "The v1 and v2 halves disagree: a file is only in v2");
  other = &out->files[self->index];
  if (!same_path (self))
    return disagree (error, "path", other);
  if (((other->flags ^ file->flags) & SHOAL_FILE_SYMLINK) != 0
      || ((file->flags & SHOAL_FILE_SYMLINK) == 0 && other->size != file->size))
    return disagree (error, "size", other);
  if (file->has_root && out->layout->file_offset[self->index] % out->layout->piece_size != 0)
    return disagree (error, "first piece", other);
  other->root = file->root;
  other->has_root = file->has_root;
  advance (self);

  return TRUE;
}

static gboolean
read_v2_file (Walk             *self,
              ShoalBencodeNode  node,
              GError          **error)
{
  ShoalMetainfoFile file = { 0 };
  gboolean good;

  if (shoal_bencode_type (node) != SHOAL_BENCODE_DICT)
    return shoal_metainfo_fail (error, "The file tree holds something that is no file");
  if (!read_properties (self, node, &file, error))
    return FALSE;
  good = read_root (node, &file, error);
  if (good && (file.flags & SHOAL_FILE_PAD) != 0)
    good = shoal_metainfo_fail (error, "The file tree holds a pad file");
  if (good && !self->hybrid)
    {
      if (self->parser->out->single)
        g_array_set_size (self->raw, 0);
      return add_file (self, &file, error);
    }
  if (good)
    good = match_file (self, &file, error);
  clear_file (&file);

  return good;
}

/* Keys of a folder in their order: the order of pieces is that of the tree. */
static gboolean
check_order (const Component *last,
             const Component *key,
             GError         **error)
{
  int order;

  if (last->bytes == NULL)
    return TRUE;
  order = memcmp (last->bytes, key->bytes, MIN (last->size, key->size));
  if (order < 0 || (order == 0 && last->size < key->size))
    return TRUE;

  return shoal_metainfo_fail (error, "The file tree is not sorted");
}

/* Recursion is as deep as the document is nested, at most SHOAL_BENCODE_MAX_DEPTH. */
static gboolean
walk_folder (Walk             *self,
             ShoalBencodeNode  folder,
             GError          **error)
{
  Component last = { 0 };

  SHOAL_BENCODE_FOREACH (node, folder)
    {
      guint depth = self->raw->len;
      ShoalBencodeNode file = shoal_bencode_get (node, "");
      Component key;

      key.bytes = shoal_bencode_key (node, &key.size);
      if (key.size == 0)
        return shoal_metainfo_fail (error, "The file tree has a folder that is a file too");
      if (shoal_bencode_type (node) != SHOAL_BENCODE_DICT)
        return shoal_metainfo_fail (error, "The file tree holds no file and no folder");
      if (!check_order (&last, &key, error))
        return FALSE;
      last = key;

      g_array_append_val (self->raw, key);
      if (shoal_bencode_type (file) == SHOAL_BENCODE_NONE)
        {
          if (!walk_folder (self, node, error))
            return FALSE;
        }
      else
        {
          if (shoal_bencode_count (node) != 1)
            return shoal_metainfo_fail (error, "The file tree has a folder that is a file too");
          if (!read_v2_file (self, file, error))
            return FALSE;
        }
      g_array_set_size (self->raw, MIN (depth, self->raw->len));
    }

  return TRUE;
}

/* BEP 52: one file in the tree that has the torrent's name is a torrent of a lone file. */
static gboolean
is_lone_file (const ShoalMetainfoParser *self,
              ShoalBencodeNode           tree)
{
  ShoalBencodeNode only = shoal_bencode_first (tree);
  gsize key_size, name_size;
  const guint8 *key = shoal_bencode_key (only, &key_size);
  const guint8 *name = shoal_bencode_bytes (self->name, &name_size);

  return shoal_bencode_count (tree) == 1
         && shoal_bencode_type (shoal_bencode_get (only, "")) == SHOAL_BENCODE_DICT
         && name != NULL && key_size == name_size && memcmp (key, name, name_size) == 0;
}

static gboolean
get_tree (ShoalMetainfoParser *self,
          ShoalBencodeNode    *tree,
          GError             **error)
{
  *tree = shoal_bencode_get (self->info, "file tree");
  if (shoal_bencode_type (*tree) != SHOAL_BENCODE_DICT)
    return shoal_metainfo_fail (error, "There is no file tree");

  return TRUE;
}

gboolean
shoal_metainfo_read_v2 (ShoalMetainfoParser *self,
                        GError             **error)
{
  g_auto (Walk) walk = begin_walk (self);
  ShoalBencodeNode tree;

  if (!get_tree (self, &tree, error))
    return FALSE;
  self->out->single = is_lone_file (self, tree);
  if (!walk_folder (&walk, tree, error))
    return FALSE;
  if (walk.files->len == 0)
    return shoal_metainfo_fail (error, "There are no files");

  return lay_out (&walk, TRUE, error);
}

gboolean
shoal_metainfo_match_v2 (ShoalMetainfoParser *self,
                         GError             **error)
{
  g_auto (Walk) walk = begin_walk (self);
  ShoalBencodeNode tree;

  if (!get_tree (self, &tree, error))
    return FALSE;
  walk.hybrid = TRUE;
  walk.item = shoal_bencode_first (shoal_bencode_get (self->info, "files"));
  if (!walk_folder (&walk, tree, error))
    return FALSE;
  skip_pads (&walk);
  if (walk.index < self->out->layout->n_files)
    return shoal_metainfo_fail (error, "The v1 and v2 halves disagree: a file is only in v1");

  return TRUE;
}
