/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A network and a battery of our own making: what a session tells the engine when they change. */

#include "shoal-session-private.h"

#include <gio/gio.h>

#include "shoal-test.h"

#define PRIORITY 1000   /* before the system's own monitors */

/* One object stands for both: each monitor has its own property of it. */
typedef struct
{
  GObject  parent_instance;
  gboolean metered;
  gboolean saving;
} Fake;

typedef GObjectClass FakeClass;

enum
{
  PROP_0,
  PROP_AVAILABLE,
  PROP_CONNECTIVITY,
  PROP_METERED,
  PROP_SAVING
};

static GType fake_get_type (void);

static gboolean
fake_can_init (GInitable     *initable,
               GCancellable  *cancellable,
               GError       **error)
{
  return TRUE;
}

static void
fake_initable (GInitableIface *iface)
{
  iface->init = fake_can_init;
}

static void
fake_network (GNetworkMonitorInterface *iface)
{
}

static void
fake_power (GPowerProfileMonitorInterface *iface)
{
}

G_DEFINE_TYPE_WITH_CODE (Fake, fake, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (G_TYPE_INITABLE, fake_initable)
                         G_IMPLEMENT_INTERFACE (G_TYPE_NETWORK_MONITOR, fake_network)
                         G_IMPLEMENT_INTERFACE (G_TYPE_POWER_PROFILE_MONITOR, fake_power))

static void
fake_get_property (GObject    *object,
                   guint       id,
                   GValue     *value,
                   GParamSpec *spec)
{
  Fake *self = (Fake *) object;

  if (id == PROP_CONNECTIVITY)
    g_value_set_enum (value, G_NETWORK_CONNECTIVITY_FULL);
  else
    g_value_set_boolean (value, id == PROP_AVAILABLE || (id == PROP_METERED && self->metered)
                                  || (id == PROP_SAVING && self->saving));
}

static void
fake_class_init (FakeClass *class)
{
  class->get_property = fake_get_property;
  g_object_class_override_property (class, PROP_AVAILABLE, "network-available");
  g_object_class_override_property (class, PROP_CONNECTIVITY, "connectivity");
  g_object_class_override_property (class, PROP_METERED, "network-metered");
  g_object_class_override_property (class, PROP_SAVING, "power-saver-enabled");
}

static void
fake_init (Fake *self)
{
}

static void
set (gpointer  monitor,
     gboolean *which,
     gboolean  value)
{
  *which = value;
  g_object_notify (monitor, which == &((Fake *) monitor)->metered ? "network-metered"
                                                                  : "power-saver-enabled");
}

static void
set_metered (gboolean metered)
{
  Fake *fake = (Fake *) g_network_monitor_get_default ();

  set (fake, &fake->metered, metered);
}

static void
set_saving (gboolean saving)
{
  g_autoptr(GPowerProfileMonitor) monitor = g_power_profile_monitor_dup_default ();

  set (monitor, &((Fake *) monitor)->saving, saving);
}

/* TRUE: a configuration came, and says so. */
static gboolean
is_read_only (ShoalSession *session)
{
  ShoalCommand *command;
  gboolean told = FALSE;
  gboolean read_only = FALSE;

  while (g_main_context_iteration (NULL, FALSE))
    ;
  while ((command = shoal_runtime_next_command (shoal_session_get_runtime (session))) != NULL)
    {
      if (command->type == SHOAL_COMMAND_CONFIG)
        {
          told = TRUE;
          read_only = ((const ShoalConfig *) command->config)->dht_read_only;
        }
      shoal_command_free (command);
    }
  g_assert_true (told);

  return read_only;
}

static void
test_read_only (void)
{
  g_autoptr(ShoalPreferences) preferences = shoal_preferences_new (NULL);
  g_autoptr(ShoalSession) session = shoal_session_new_detached (preferences);

  set_metered (TRUE);
  g_assert_true (is_read_only (session));
  /* What is changed meanwhile does not end it. */
  g_object_set (preferences, "limit-up", 100, NULL);
  g_assert_true (is_read_only (session));
  set_metered (FALSE);
  g_assert_false (is_read_only (session));
  set_saving (TRUE);
  g_assert_true (is_read_only (session));
  /* One reason in the place of the other is no change. */
  set_metered (TRUE);
  set_saving (FALSE);
  g_assert_null (shoal_runtime_next_command (shoal_session_get_runtime (session)));
  set_metered (FALSE);
  g_assert_false (is_read_only (session));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_io_extension_point_register (G_NETWORK_MONITOR_EXTENSION_POINT_NAME);
  g_io_extension_point_register (G_POWER_PROFILE_MONITOR_EXTENSION_POINT_NAME);
  g_io_extension_point_implement (G_NETWORK_MONITOR_EXTENSION_POINT_NAME, fake_get_type (), "fake",
                                  PRIORITY);
  g_io_extension_point_implement (G_POWER_PROFILE_MONITOR_EXTENSION_POINT_NAME, fake_get_type (),
                                  "fake", PRIORITY);
  g_test_add_func ("/model/session-config/read-only", test_read_only);

  return g_test_run ();
}
