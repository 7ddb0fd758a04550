/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Resume records seen as GSettings. */

/*
 * The backend holds nothing: it splits a path into id and key and asks the store, which has the
 * record in memory or in its file. A write replaces the record as a whole, so a crash leaves the
 * old or the new one.
 */

#include "shoal-resume-backend.h"

#include <pthread.h>
#include <string.h>

#include "shoal-resume-record.h"

struct _ShoalResumeBackend
{
  GSettingsBackend parent_instance;

  pthread_mutex_t  lock;         /* of the functions: detaching waits for a call */
  ShoalResumeRead  read;         /* NULL: detached */
  ShoalResumeWrite write;
  gpointer         user_data;
};

G_DEFINE_FINAL_TYPE (ShoalResumeBackend, shoal_resume_backend, G_TYPE_SETTINGS_BACKEND)

/* The id in a path; @key: what follows its slash. */
static gboolean
split (const char  *path,
       guint64     *id,
       const char **key)
{
  char *end;

  if (!g_str_has_prefix (path, SHOAL_RESUME_PATH))
    return FALSE;
  path += strlen (SHOAL_RESUME_PATH);
  if (!g_ascii_isdigit (*path))
    return FALSE;
  *id = g_ascii_strtoull (path, &end, 10);
  *key = end + 1;

  return *end == '/';
}

static GVariant *
read_dict (ShoalResumeBackend *self,
           guint64             id)
{
  GVariant *dict;

  pthread_mutex_lock (&self->lock);
  dict = self->read != NULL ? self->read (id, self->user_data) : NULL;
  pthread_mutex_unlock (&self->lock);

  return dict;
}

static gboolean
change (ShoalResumeBackend *self,
        guint64             id,
        const char         *key,
        GVariant           *value)
{
  gboolean ok = FALSE;

  pthread_mutex_lock (&self->lock);
  if (self->read != NULL)
    {
      g_autoptr (GVariant) before = self->read (id, self->user_data);
      g_autoptr (GVariant) after = NULL;
      GVariantDict dict;

      g_variant_dict_init (&dict, before);
      if (value != NULL)
        g_variant_dict_insert_value (&dict, key, value);
      else
        g_variant_dict_remove (&dict, key);
      after = g_variant_ref_sink (g_variant_dict_end (&dict));
      ok = before != NULL && self->write (id, after, self->user_data);
    }
  pthread_mutex_unlock (&self->lock);

  return ok;
}

static GVariant *
backend_read (GSettingsBackend   *backend,
              const char         *path,
              const GVariantType *type,
              gboolean            default_value)
{
  g_autoptr (GVariant) dict = NULL;
  const char *key;
  guint64 id;

  if (default_value || !split (path, &id, &key))
    return NULL;
  dict = read_dict (SHOAL_RESUME_BACKEND (backend), id);

  return dict != NULL ? g_variant_lookup_value (dict, key, type) : NULL;
}

static GVariant *
backend_read_user_value (GSettingsBackend   *backend,
                         const char         *path,
                         const GVariantType *type)
{
  return backend_read (backend, path, type, FALSE);
}

static gboolean
backend_write (GSettingsBackend *backend,
               const char       *path,
               GVariant         *value,
               gpointer          origin_tag)
{
  g_autoptr (GVariant) kept = value != NULL ? g_variant_ref_sink (value) : NULL;
  const char *key;
  guint64 id;

  if (!split (path, &id, &key) || !change (SHOAL_RESUME_BACKEND (backend), id, key, value))
    return FALSE;
  g_settings_backend_changed (backend, path, origin_tag);

  return TRUE;
}

static gboolean
write_one (gpointer path,
           gpointer value,
           gpointer data)
{
  const char *key;
  guint64 id;

  if (split (path, &id, &key))
    change (data, id, key, value);

  return FALSE;
}

static gboolean
backend_write_tree (GSettingsBackend *backend,
                    GTree            *tree,
                    gpointer          origin_tag)
{
  g_tree_foreach (tree, write_one, backend);
  g_settings_backend_changed_tree (backend, tree, origin_tag);

  return TRUE;
}

static void
backend_reset (GSettingsBackend *backend,
               const char       *path,
               gpointer          origin_tag)
{
  const char *key;
  guint64 id;

  if (!split (path, &id, &key) || !change (SHOAL_RESUME_BACKEND (backend), id, key, NULL))
    return;
  g_settings_backend_changed (backend, path, origin_tag);
}

static gboolean
backend_get_writable (GSettingsBackend *backend,
                      const char       *path)
{
  const char *key;
  guint64 id;

  return split (path, &id, &key);
}

static void
shoal_resume_backend_finalize (GObject *object)
{
  ShoalResumeBackend *self = SHOAL_RESUME_BACKEND (object);

  pthread_mutex_destroy (&self->lock);
  G_OBJECT_CLASS (shoal_resume_backend_parent_class)->finalize (object);
}

static void
shoal_resume_backend_class_init (ShoalResumeBackendClass *klass)
{
  GSettingsBackendClass *backend_class = G_SETTINGS_BACKEND_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = shoal_resume_backend_finalize;
  backend_class->read = backend_read;
  backend_class->read_user_value = backend_read_user_value;
  backend_class->write = backend_write;
  backend_class->write_tree = backend_write_tree;
  backend_class->reset = backend_reset;
  backend_class->get_writable = backend_get_writable;
}

static void
shoal_resume_backend_init (ShoalResumeBackend *self)
{
  pthread_mutex_init (&self->lock, NULL);
}

GSettingsBackend *
shoal_resume_backend_new (ShoalResumeRead  read,
                          ShoalResumeWrite write,
                          gpointer         user_data)
{
  ShoalResumeBackend *self;

  g_return_val_if_fail (read != NULL && write != NULL, NULL);

  self = g_object_new (SHOAL_TYPE_RESUME_BACKEND, NULL);
  self->read = read;
  self->write = write;
  self->user_data = user_data;

  return G_SETTINGS_BACKEND (self);
}

void
shoal_resume_backend_changed (GSettingsBackend *backend,
                              guint64           id)
{
  g_autofree char *path = g_strdup_printf (SHOAL_RESUME_PATH "%" G_GUINT64_FORMAT "/", id);

  g_settings_backend_path_changed (backend, path, NULL);
}

void
shoal_resume_backend_detach (GSettingsBackend *backend)
{
  ShoalResumeBackend *self = SHOAL_RESUME_BACKEND (backend);

  pthread_mutex_lock (&self->lock);
  self->read = NULL;
  self->write = NULL;
  pthread_mutex_unlock (&self->lock);
}
