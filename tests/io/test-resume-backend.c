/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A record is seen through GSettings as it is, and what is written there is kept. */

#include <glib/gstdio.h>
#include <string.h>

#include "shoal-resume-backend.h"
#include "shoal-resume-record.h"
#include "shoal-resume-store.h"
#include "shoal-test.h"

typedef struct
{
  char             *dir;
  ShoalResumeStore *store;
} Fixture;

static void
set_up (Fixture      *self,
        gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  self->dir = shoal_test_temp_dir ();
  self->store = shoal_resume_store_open (self->dir, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture      *self,
           gconstpointer data)
{
  g_clear_pointer (&self->store, shoal_resume_store_close);
  shoal_test_remove_temp_dir (self->dir);
  g_free (self->dir);
}

static void
save (Fixture *self)
{
  ShoalResume *record = shoal_resume_new (4);

  record->name = g_strdup ("four");
  record->dir = g_strdup ("/data");
  record->limit_up = 5000;
  record->part_suffix = TRUE;
  record->had = g_bytes_new ("\xf0", 1);
  shoal_resume_store_save (self->store, record);
}

static void
test_read_and_write (Fixture      *self,
                     gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSettings) settings = NULL;
  g_autoptr (GSettings) other = NULL;
  g_autoptr (ShoalResume) record = NULL;
  g_autofree char *name = NULL;
  g_autofree char *none = NULL;
  gboolean part;
  guint64 limit;

  save (self);
  settings = shoal_resume_store_settings (self->store, 4, &error);
  g_assert_no_error (error);
  name = g_settings_get_string (settings, "name");
  g_assert_cmpstr (name, ==, "four");
  g_settings_get (settings, "options", "(bbbbtt)", NULL, NULL, NULL, &part, NULL, &limit);
  g_assert_true (part);
  g_assert_cmpuint (limit, ==, 5000);

  /* One that is not there has its defaults, and cannot be made here. */
  other = shoal_resume_store_settings (self->store, 5, &error);
  g_assert_no_error (error);
  none = g_settings_get_string (other, "name");
  g_assert_cmpstr (none, ==, "");
  g_assert_false (g_settings_set_string (other, "name", "five"));

  g_assert_true (g_settings_set_string (settings, "name", "4"));
  g_settings_reset (settings, "options");
  g_settings_delay (settings);
  g_settings_set_value (settings, "priorities", g_variant_new_bytestring ("a"));
  g_settings_apply (settings);
  g_assert_true (shoal_resume_store_flush (self->store));
  record = shoal_resume_store_record (self->store, 4);
  g_assert_cmpstr (record->name, ==, "4");
  g_assert_cmpstr (record->dir, ==, "/data");
  g_assert_cmpuint (record->limit_up, ==, 0);
  g_assert_cmpuint (g_bytes_get_size (record->priorities), ==, 2);
  g_assert_cmpuint (g_bytes_get_size (record->had), ==, 1);
}

/* Settings that outlive the store have their defaults. */
static void
test_detached (Fixture      *self,
               gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSettings) settings = NULL;
  g_autofree char *name = NULL;

  save (self);
  settings = shoal_resume_store_settings (self->store, 4, &error);
  g_assert_no_error (error);
  g_clear_pointer (&self->store, shoal_resume_store_close);
  name = g_settings_get_string (settings, "name");
  g_assert_cmpstr (name, ==, "");
}

/* Every key of a record is in the schema, with its type, and the other way round. */
static void
test_schema (Fixture      *self,
             gconstpointer data)
{
  const guint32 pair[] = { 1, 2 };
  g_autoptr (ShoalResume) record = shoal_resume_new (4);
  g_autoptr (GBytes) bytes = g_bytes_new (pair, sizeof pair);
  g_autoptr (GSettings) settings = shoal_resume_store_settings (self->store, 4, NULL);
  g_autoptr (GSettingsSchema) schema = NULL;
  g_autoptr (GVariant) dict = NULL;
  g_auto (GStrv) keys = NULL;

  record->name = g_strdup ("n");
  record->magnet = g_strdup ("m");
  record->dir = g_strdup ("/d");
  record->had = g_bytes_ref (bytes);
  record->spilled = g_bytes_ref (bytes);
  record->priorities = g_bytes_ref (bytes);
  record->peers = g_bytes_ref (bytes);
  dict = shoal_resume_to_dict (record, FALSE);
  g_object_get (settings, "settings-schema", &schema, NULL);
  keys = g_settings_schema_list_keys (schema);
  g_assert_cmpuint (g_strv_length (keys), ==, g_variant_n_children (dict));
  for (guint i = 0; keys[i] != NULL; i++)
    {
      g_autoptr (GVariant) value = g_variant_lookup_value (dict, keys[i], NULL);
      g_autoptr (GSettingsSchemaKey) key = g_settings_schema_get_key (schema, keys[i]);

      g_assert_nonnull (value);
      g_assert_true (g_variant_is_of_type (value, g_settings_schema_key_get_value_type (key)));
    }
}

static void
test_no_schema (Fixture      *self,
                gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *schemas = g_strdup (g_getenv ("SHOAL_SCHEMA_DIR"));

  g_assert_true (g_setenv ("SHOAL_SCHEMA_DIR", "/nonexistent/schemas", TRUE));
  g_assert_null (shoal_resume_store_settings (self->store, 4, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "/nonexistent/schemas"));
  g_assert_true (g_setenv ("SHOAL_SCHEMA_DIR", schemas, TRUE));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) \
  g_test_add ("/io/resume-backend/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("read-and-write", test_read_and_write);
  ADD ("detached", test_detached);
  ADD ("schema", test_schema);
  ADD ("no-schema", test_no_schema);
  return g_test_run ();
}
