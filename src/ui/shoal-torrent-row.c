/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One torrent in the window's list. */

/* What it shows is bound in the template. Code does what a binding cannot: style classes, enabled
 * actions, names for screen readers, and the menu, which is made when it is first asked for, since
 * about 200 rows live behind a long list. A row does nothing itself: it hands its torrent's id to
 * an action of the window. */

#include "shoal-torrent-row.h"

#include <glib/gi18n-lib.h>

#include "shoal-format.h"
#include "shoal-swarm-text.h"

struct _ShoalTorrentRow
{
  GtkWidget     parent_instance;

  GtkWidget    *toggle_button;
  GtkWidget    *menu_button;
  GMenuModel   *torrent_menu;
  GtkWidget    *popover;          /* (nullable): once the menu was shown */

  ShoalTorrent *torrent;
  GSignalGroup *signals;          /* of the torrent */
  const char   *state_class;      /* (nullable): the style class that stands for the state */
};

G_DEFINE_FINAL_TYPE (ShoalTorrentRow, shoal_torrent_row, GTK_TYPE_WIDGET)

enum
{
  PROP_0,
  PROP_TORRENT,
  N_PROPS,
};

static GParamSpec *properties[N_PROPS];

/* How each state looks. */
static const struct
{
  const char *style_class;
  const char *icon;
} looks[SHOAL_N_TORRENT_STATES] = {
  [SHOAL_TORRENT_PAUSED]      = { "resting", "media-playback-pause-symbolic" },
  [SHOAL_TORRENT_QUEUED]      = { "resting", "document-open-recent-symbolic" },
  [SHOAL_TORRENT_METADATA]    = { "working", "system-search-symbolic" },
  [SHOAL_TORRENT_CHECKING]    = { "working", "emblem-synchronizing-symbolic" },
  [SHOAL_TORRENT_DOWNLOADING] = { "working", "go-down-symbolic" },
  [SHOAL_TORRENT_SEEDING]     = { "seeding", "go-up-symbolic" },
  [SHOAL_TORRENT_FAILED]      = { "failed", "dialog-warning-symbolic" },
};

/* For expressions of the template; the object is the bound one. */
static char *
badge_icon (gpointer object,
            guint    state)
{
  return g_strdup (looks[MIN (state, SHOAL_N_TORRENT_STATES - 1)].icon);
}

static char *
size_text (gpointer object,
           guint64  size)
{
  return size > 0 ? shoal_format_size (size) : g_strdup ("");
}

static char *
percent_text (gpointer object,
              double   progress)
{
  return shoal_format_percent (progress);
}

/* What the torrent does, and how many take part in it unless it came to grief. */
static GString *
join_texts (const char        *status,
            ShoalTorrentState  state,
            guint              n_seeds,
            gint64             tracker_seeds,
            gint64             tracker_leechers)
{
  g_autofree char *swarm = shoal_swarm_text (n_seeds, tracker_seeds, tracker_leechers);
  GString *joined = g_string_new (status);

  if (swarm != NULL && state != SHOAL_TORRENT_FAILED)
    g_string_append_printf (joined, " · %s", swarm);

  return joined;
}

/* A rate stays in one line: a word joiner behind the slash of "MB/s". */
static char *
status_text (gpointer    object,
             const char *text,
             guint       state,
             guint       n_seeds,
             gint64      tracker_seeds,
             gint64      tracker_leechers)
{
  GString *joined = join_texts (text, state, n_seeds, tracker_seeds, tracker_leechers);

  for (gsize i = 0; i + 1 < joined->len; i++)
    if (joined->str[i] == '/' && joined->str[i + 1] == 's' && !g_ascii_isalnum (joined->str[i + 2]))
      g_string_insert (joined, i + 1, "\342\201\240");

  return g_string_free (joined, FALSE);
}

static char *
completed_text (gpointer object,
                gint64   completed)
{
  return shoal_completed_text (completed);
}

static char *
toggle_icon (gpointer object,
             gboolean running)
{
  return g_strdup (running ? "media-playback-pause-symbolic" : "media-playback-start-symbolic");
}

static char *
toggle_text (gpointer object,
             gboolean running)
{
  return g_strdup (running ? _("Pause") : _("Resume"));
}

static void
update_state (ShoalTorrentRow *self)
{
  GtkWidget *widget = GTK_WIDGET (self);
  const char *state_class = NULL;

  if (self->torrent != NULL)
    state_class = looks[shoal_torrent_get_state (self->torrent)].style_class;

  if (g_strcmp0 (state_class, self->state_class) == 0)
    return;

  if (self->state_class != NULL)
    gtk_widget_remove_css_class (widget, self->state_class);
  if (state_class != NULL)
    gtk_widget_add_css_class (widget, state_class);
  self->state_class = state_class;
}

static void
update_actions (ShoalTorrentRow *self)
{
  GtkWidget *widget = GTK_WIDGET (self);
  gboolean running = self->torrent != NULL && shoal_torrent_get_running (self->torrent);
  gboolean has_metadata = self->torrent != NULL && shoal_torrent_get_has_metadata (self->torrent);

  gtk_widget_action_set_enabled (widget, "torrent.pause", self->torrent != NULL && running);
  gtk_widget_action_set_enabled (widget, "torrent.start", self->torrent != NULL && !running);
  gtk_widget_action_set_enabled (widget, "torrent.verify", has_metadata);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->toggle_button),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL, running ? _("Pause") : _("Resume"),
                                  -1);
}

/* In GTK 4.8 the item around the row has no name of its own; focus rests there. */
static void
update_name (ShoalTorrentRow *self)
{
  GtkWidget *item = gtk_widget_get_parent (GTK_WIDGET (self));
  g_autoptr(GString) texts = NULL;
  g_autofree char *label = NULL;

  if (self->torrent == NULL)
    return;

  texts = join_texts (shoal_torrent_get_status_text (self->torrent),
                      shoal_torrent_get_state (self->torrent),
                      shoal_torrent_get_n_seeds (self->torrent),
                      shoal_torrent_get_tracker_seeds (self->torrent),
                      shoal_torrent_get_tracker_leechers (self->torrent));
  /* Translators: what a screen reader says of a torrent: its name, and the line about what it
   * does */
  label = g_strdup_printf (_("%s, %s"), shoal_torrent_get_name (self->torrent), texts->str);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
  if (item != NULL)
    gtk_accessible_update_property (GTK_ACCESSIBLE (item), GTK_ACCESSIBLE_PROPERTY_LABEL, label,
                                    -1);
}

static void
forward_action (GtkWidget  *widget,
                const char *action_name,
                GVariant   *parameter)
{
  ShoalTorrentRow *self = SHOAL_TORRENT_ROW (widget);
  g_autofree char *window_action = NULL;

  if (self->torrent == NULL)
    return;

  window_action = g_strconcat ("win.", action_name + strlen ("torrent."), NULL);
  gtk_widget_activate_action (widget, window_action, "t", shoal_torrent_get_id (self->torrent));
}

static void
show_menu (ShoalTorrentRow    *self,
           const GdkRectangle *at)
{
  if (self->popover == NULL)
    {
      self->popover = gtk_popover_menu_new_from_model (self->torrent_menu);
      gtk_popover_set_has_arrow (GTK_POPOVER (self->popover), FALSE);
      gtk_widget_set_halign (self->popover, GTK_ALIGN_START);
      gtk_widget_set_parent (self->popover, GTK_WIDGET (self));
    }

  gtk_popover_set_pointing_to (GTK_POPOVER (self->popover), at);
  gtk_popover_popup (GTK_POPOVER (self->popover));
}

static void
menu_action (GtkWidget  *widget,
             const char *action_name,
             GVariant   *parameter)
{
  ShoalTorrentRow *self = SHOAL_TORRENT_ROW (widget);
  graphene_rect_t bounds;

  if (!gtk_widget_compute_bounds (self->menu_button, widget, &bounds))
    return;

  show_menu (self, &(GdkRectangle){ bounds.origin.x, bounds.origin.y, bounds.size.width,
                                    bounds.size.height });
}

static void
secondary_pressed_cb (GtkGestureClick *gesture,
                      int              n_press,
                      double           x,
                      double           y,
                      gpointer         user_data)
{
  gtk_gesture_set_state (GTK_GESTURE (gesture), GTK_EVENT_SEQUENCE_CLAIMED);
  show_menu (SHOAL_TORRENT_ROW (user_data), &(GdkRectangle) { x, y, 1, 1 });
}

static void
long_pressed_cb (GtkGestureLongPress *gesture,
                 double               x,
                 double               y,
                 gpointer             user_data)
{
  gtk_gesture_set_state (GTK_GESTURE (gesture), GTK_EVENT_SEQUENCE_CLAIMED);
  show_menu (SHOAL_TORRENT_ROW (user_data), &(GdkRectangle) { x, y, 1, 1 });
}

static void
shoal_torrent_row_root (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (shoal_torrent_row_parent_class)->root (widget);
  update_name (SHOAL_TORRENT_ROW (widget));
}

static void
shoal_torrent_row_get_property (GObject    *object,
                                guint       prop_id,
                                GValue     *value,
                                GParamSpec *pspec)
{
  switch (prop_id)
    {
    case PROP_TORRENT:
      g_value_set_object (value, shoal_torrent_row_get_torrent (SHOAL_TORRENT_ROW (object)));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
shoal_torrent_row_set_property (GObject      *object,
                                guint         prop_id,
                                const GValue *value,
                                GParamSpec   *pspec)
{
  switch (prop_id)
    {
    case PROP_TORRENT:
      shoal_torrent_row_set_torrent (SHOAL_TORRENT_ROW (object), g_value_get_object (value));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
shoal_torrent_row_dispose (GObject *object)
{
  ShoalTorrentRow *self = SHOAL_TORRENT_ROW (object);
  GtkWidget *child;

  g_clear_object (&self->signals);
  g_clear_object (&self->torrent);
  gtk_widget_dispose_template (GTK_WIDGET (self), SHOAL_TYPE_TORRENT_ROW);
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self))) != NULL)
    gtk_widget_unparent (child);
  self->popover = NULL;

  G_OBJECT_CLASS (shoal_torrent_row_parent_class)->dispose (object);
}

static void
shoal_torrent_row_class_init (ShoalTorrentRowClass *klass)
{
  static const char *const forwarded[] = {
    "torrent.pause",       "torrent.start",  "torrent.toggle", "torrent.open-folder",
    "torrent.copy-magnet", "torrent.verify", "torrent.remove",
  };
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->get_property = shoal_torrent_row_get_property;
  object_class->set_property = shoal_torrent_row_set_property;
  object_class->dispose = shoal_torrent_row_dispose;
  widget_class->root = shoal_torrent_row_root;

  properties[PROP_TORRENT] = g_param_spec_object ("torrent", NULL, NULL, SHOAL_TYPE_TORRENT,
                                                  G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
                                                    | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/shoalbt/Shoal/ui/shoal-torrent-row.ui");
  gtk_widget_class_bind_template_child (widget_class, ShoalTorrentRow, toggle_button);
  gtk_widget_class_bind_template_child (widget_class, ShoalTorrentRow, menu_button);
  gtk_widget_class_bind_template_child (widget_class, ShoalTorrentRow, torrent_menu);
  gtk_widget_class_bind_template_callback (widget_class, badge_icon);
  gtk_widget_class_bind_template_callback (widget_class, size_text);
  gtk_widget_class_bind_template_callback (widget_class, percent_text);
  gtk_widget_class_bind_template_callback (widget_class, status_text);
  gtk_widget_class_bind_template_callback (widget_class, completed_text);
  gtk_widget_class_bind_template_callback (widget_class, toggle_icon);
  gtk_widget_class_bind_template_callback (widget_class, toggle_text);
  gtk_widget_class_bind_template_callback (widget_class, secondary_pressed_cb);
  gtk_widget_class_bind_template_callback (widget_class, long_pressed_cb);

  for (guint i = 0; i < G_N_ELEMENTS (forwarded); i++)
    gtk_widget_class_install_action (widget_class, forwarded[i], NULL, forward_action);
  gtk_widget_class_install_action (widget_class, "torrent.menu", NULL, menu_action);

  gtk_widget_class_set_css_name (widget_class, "torrent");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
shoal_torrent_row_init (ShoalTorrentRow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));

  self->signals = g_signal_group_new (SHOAL_TYPE_TORRENT);
  g_signal_group_connect_swapped (self->signals, "notify::state", G_CALLBACK (update_state), self);
  g_signal_group_connect_swapped (self->signals, "notify::running", G_CALLBACK (update_actions),
                                  self);
  g_signal_group_connect_swapped (self->signals, "notify::has-metadata",
                                  G_CALLBACK (update_actions), self);
  g_signal_group_connect_swapped (self->signals, "notify::name", G_CALLBACK (update_name), self);
  g_signal_group_connect_swapped (self->signals, "notify::status-text", G_CALLBACK (update_name),
                                  self);
  g_signal_group_connect_swapped (self->signals, "notify::n-seeds", G_CALLBACK (update_name), self);
  g_signal_group_connect_swapped (self->signals, "notify::tracker-seeds", G_CALLBACK (update_name),
                                  self);
  g_signal_group_connect_swapped (self->signals, "notify::tracker-leechers",
                                  G_CALLBACK (update_name), self);
}

GtkWidget *
shoal_torrent_row_new (void)
{
  return g_object_new (SHOAL_TYPE_TORRENT_ROW, NULL);
}

ShoalTorrent *
shoal_torrent_row_get_torrent (ShoalTorrentRow *self)
{
  g_return_val_if_fail (SHOAL_IS_TORRENT_ROW (self), NULL);

  return self->torrent;
}

void
shoal_torrent_row_set_torrent (ShoalTorrentRow *self,
                               ShoalTorrent    *torrent)
{
  g_return_if_fail (SHOAL_IS_TORRENT_ROW (self));
  g_return_if_fail (torrent == NULL || SHOAL_IS_TORRENT (torrent));

  if (!g_set_object (&self->torrent, torrent))
    return;

  g_signal_group_set_target (self->signals, torrent);
  update_state (self);
  update_actions (self);
  update_name (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TORRENT]);
}
