/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names from the network to safe, unique, relative file paths. */

/*
 * A component is made valid UTF-8, loses what would make it more than one component, invisible or
 * special to some file system, and is cut to NAME_BYTES_USED bytes. What a user sees is kept
 * otherwise: a character that Linux can store stays.
 *
 * A ShoalPathSet remembers 63-bit hashes of the folded paths given out, not the paths: 8 bytes for
 * each file and folder. Two paths whose hashes meet by chance are taken for alike; the second is
 * then renamed although it need not be, which is harmless. How often a path was wanted again is
 * counted, so a torrent with a million files of one name costs no more than others.
 */

#include "shoal-path.h"

#include <string.h>

#define NAME_BYTES_USED      250u    /* leaves room for ".part" */
#define EXTENSION_BYTES_MAX  32u     /* of an extension that survives a cut, its dot included */
#define COMPONENT_BYTES_READ 4096u   /* of a longer name only its two ends are looked at */
#define REPLACEMENT          '_'

static gboolean
is_unwanted (gunichar c)
{
  if (c < 0x20 || (c >= 0x7f && c <= 0x9f))
    return TRUE;
  if (c == '/' || c == '\\')
    return TRUE;

  /* These turn the direction of writing, so that "gpj.exe" looks like a picture; and line ends. */
  return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x2028 || c == 0x2029;
}

/* Names of devices, with or without an extension, on file systems of Windows. */
static gboolean
is_device (const char *name)
{
  static const char *const devices[] = { "con", "prn", "aux", "nul" };
  static const char *const numbered[] = { "com", "lpt" };
  gsize size = strcspn (name, ".");

  for (guint i = 0; i < G_N_ELEMENTS (devices); i++)
    if (size == 3 && g_ascii_strncasecmp (name, devices[i], 3) == 0)
      return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (numbered); i++)
    if (size == 4 && g_ascii_strncasecmp (name, numbered[i], 3) == 0
        && name[3] >= '1' && name[3] <= '9')
      return TRUE;

  return FALSE;
}

/* The greatest boundary between characters of @text that is at most @size. */
static gsize
cut_at (const char *text,
        gsize       size)
{
  while (size > 0 && ((guint8) text[size] & 0xc0) == 0x80)
    size--;

  return size;
}

/* Offset of the extension's dot, or the size of @name when it has none that is worth keeping. */
static gsize
extension_at (const char *name)
{
  gsize size = strlen (name);
  const char *dot = strrchr (name, '.');

  if (dot == NULL || dot == name || dot[1] == '\0' || strchr (dot, ' ') != NULL)
    return size;

  return size - (gsize) (dot - name) <= EXTENSION_BYTES_MAX ? (gsize) (dot - name) : size;
}

/* @name with @suffix before its extension, at most @max bytes in all. */
static char *
fit_name (const char *name,
          const char *suffix,
          gsize       max)
{
  gsize dot = extension_at (name);
  gsize rest = strlen (suffix) + strlen (name + dot);
  gsize stem = dot;

  if (rest >= max)
    {
      /* No room for an extension: only tiny limits come here. */
      rest = strlen (suffix);
      dot = strlen (name);
      stem = dot;
    }
  if (stem + rest > max)
    stem = cut_at (name, max - rest);

  return g_strdup_printf ("%.*s%s%s", (int) stem, name, suffix, name + dot);
}

/* Valid UTF-8 of a name; of a very long one its begin and its end. */
static char *
make_text (const guint8 *bytes,
           gsize         size)
{
  g_autofree char *head = NULL;
  g_autofree char *tail = NULL;

  if (size <= COMPONENT_BYTES_READ)
    return g_utf8_make_valid ((const char *) bytes, (gssize) size);

  head = g_utf8_make_valid ((const char *) bytes, COMPONENT_BYTES_READ / 2);
  tail = g_utf8_make_valid ((const char *) bytes + size - EXTENSION_BYTES_MAX, EXTENSION_BYTES_MAX);

  return g_strconcat (head, tail, NULL);
}

char *
shoal_path_clean_component (const guint8 *bytes,
                            gsize         size)
{
  g_autofree char *text = NULL;
  g_autoptr (GString) name = NULL;

  if (bytes == NULL || size == 0)
    return NULL;

  text = make_text (bytes, size);
  name = g_string_sized_new (strlen (text) + 2);
  for (const char *at = text, *kept = text;; at = g_utf8_next_char (at))
    {
      if (*at != '\0' && !is_unwanted (g_utf8_get_char (at)))
        continue;
      g_string_append_len (name, kept, at - kept);
      if (*at == '\0')
        break;
      g_string_append_c (name, REPLACEMENT);
      kept = g_utf8_next_char (at);
    }
  if (strcmp (name->str, ".") == 0 || strcmp (name->str, "..") == 0)
    return NULL;
  if (is_device (name->str))
    g_string_prepend_c (name, REPLACEMENT);

  return fit_name (name->str, "", NAME_BYTES_USED);
}

/* -- The set: open addressing, 0 is an empty place, bit 0 tells a file from a folder. */

struct _ShoalPathSet
{
  guint64    *slots;
  gsize       n_slots;      /* a power of two */
  gsize       n_used;
  GHashTable *again;        /* a taken name's hash to the number to try first; owns its keys */
};

#define KIND_FOLDER  G_GUINT64_CONSTANT (0)
#define KIND_FILE    G_GUINT64_CONSTANT (1)
#define HASH_START   G_GUINT64_CONSTANT (0xcbf29ce484222325)
#define SLOTS_AT_FIRST 64

static guint64
hash_text (guint64     hash,
           const char *text)
{
  for (; *text != '\0'; text++)
    hash = (hash ^ (guint8) *text) * G_GUINT64_CONSTANT (0x100000001b3);

  return hash;
}

/* Goes on with the hash of a component, in which neither case nor composition count. */
static guint64
hash_component (guint64     hash,
                const char *component)
{
  g_autofree char *folded = NULL;
  g_autofree char *normal = NULL;

  if (g_str_is_ascii (component))
    {
      for (; *component != '\0'; component++)
        hash = (hash ^ (guint8) g_ascii_tolower (*component)) * G_GUINT64_CONSTANT (0x100000001b3);
      return hash_text (hash, "/");
    }

  folded = g_utf8_casefold (component, -1);
  normal = g_utf8_normalize (folded, -1, G_NORMALIZE_DEFAULT);

  return hash_text (hash_text (hash, normal), "/");
}

static guint64
slot_value (guint64 hash,
            guint64 kind)
{
  hash = (hash ^ hash >> 30) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  hash = (hash ^ hash >> 27) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  hash ^= hash >> 31;

  return ((hash | 2) & ~G_GUINT64_CONSTANT (1)) | kind;
}

/* The place of @value, whatever its kind, or the empty place where it would go. */
static guint64 *
find_slot (const ShoalPathSet *self,
           guint64             value)
{
  gsize at = (gsize) (value >> 8) & (self->n_slots - 1);

  while (self->slots[at] != 0 && (self->slots[at] | 1) != (value | 1))
    at = (at + 1) & (self->n_slots - 1);

  return &self->slots[at];
}

static void
insert (ShoalPathSet *self,
        guint64       value)
{
  guint64 *slot;

  if ((self->n_used + 1) * 4 > self->n_slots * 3)
    {
      g_autofree guint64 *old = self->slots;
      gsize n_old = self->n_slots;

      self->n_slots = n_old * 2;
      self->slots = g_new0 (guint64, self->n_slots);
      for (gsize i = 0; i < n_old; i++)
        if (old[i] != 0)
          *find_slot (self, old[i]) = old[i];
    }
  slot = find_slot (self, value);
  if (*slot == 0)
    self->n_used += 1;
  *slot = value;
}

ShoalPathSet *
shoal_path_set_new (void)
{
  ShoalPathSet *self = g_new0 (ShoalPathSet, 1);

  self->n_slots = SLOTS_AT_FIRST;
  self->slots = g_new0 (guint64, self->n_slots);
  self->again = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);

  return self;
}

void
shoal_path_set_free (ShoalPathSet *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->again);
  g_free (self->slots);
  g_free (self);
}

/*
 * Claims @name inside the folder @hash for @kind. Gives the name to use: @name itself, or one with
 * a number; and goes on to the hash of what it gave.
 */
static char *
claim (ShoalPathSet *self,
       guint64      *hash,
       const char   *name,
       guint64       kind,
       gsize         max,
       gboolean     *changed)
{
  guint64 wanted = hash_component (*hash, name);
  guint64 base = slot_value (wanted, kind);
  g_autofree char *renamed = NULL;
  guint number = 0;

  for (;;)
    {
      guint64 value = slot_value (wanted, kind);
      guint64 found = *find_slot (self, value);
      g_autofree char *suffix = NULL;

      if (found == 0 || (kind == KIND_FOLDER && found == value))
        {
          if (found == 0)
            insert (self, value);
          if (number > 1)
            g_hash_table_replace (self->again,
                                  g_memdup2 (&base, sizeof base),
                                  GUINT_TO_POINTER (number + (kind == KIND_FILE)));
          *hash = wanted;
          return renamed != NULL ? g_steal_pointer (&renamed) : g_strdup (name);
        }

      *changed = TRUE;
      if (number == 0)
        number = GPOINTER_TO_UINT (g_hash_table_lookup (self->again, &base));
      else
        number += 1;
      number = MAX (number, 1);
      suffix = g_strdup_printf (" (%u)", number);
      g_free (renamed);
      renamed = fit_name (name, suffix, max);
      wanted = hash_component (*hash, renamed);
    }
}

/* Bytes for each of @n components so that the whole stays within its limit. */
static gsize
component_limit (const char *const *components,
                 guint              n)
{
  gsize size = 0;

  for (guint i = 0; i < n; i++)
    size += strlen (components[i]) + 1;

  return size <= SHOAL_PATH_BYTES_MAX ? NAME_BYTES_USED : SHOAL_PATH_BYTES_MAX / n - 1;
}

char *
shoal_path_set_add (ShoalPathSet      *self,
                    const char *const *components,
                    gboolean          *changed)
{
  g_autoptr (GString) path = g_string_new (NULL);
  guint n = g_strv_length ((char **) components);
  gboolean altered = FALSE;
  guint64 hash = HASH_START;
  gsize limit;

  g_return_val_if_fail (n > 0, NULL);

  /* Of a path that is too deep the folders in the middle go; the file keeps its name. */
  limit = component_limit (components, MIN (n, SHOAL_PATH_DEPTH_MAX));
  if (n > SHOAL_PATH_DEPTH_MAX)
    {
      limit = MIN (limit, SHOAL_PATH_BYTES_MAX / SHOAL_PATH_DEPTH_MAX - 1);
      altered = TRUE;
    }
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *fitted = NULL;
      g_autofree char *name = NULL;

      if (n > SHOAL_PATH_DEPTH_MAX && i == SHOAL_PATH_DEPTH_MAX - 1)
        i = n - 1;
      fitted = fit_name (components[i], "", limit);
      altered = altered || strcmp (fitted, components[i]) != 0;
      name = claim (self, &hash, fitted, i + 1 < n ? KIND_FOLDER : KIND_FILE, limit, &altered);
      if (path->len > 0)
        g_string_append_c (path, '/');
      g_string_append (path, name);
    }
  if (changed != NULL)
    *changed = altered;

  return g_string_free (g_steal_pointer (&path), FALSE);
}
