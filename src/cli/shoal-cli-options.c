/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Command lines, and the options that concern a whole session. */

#include "shoal-cli-options.h"

#include <string.h>
#include "shoal-addr.h"
#include "shoal-cli-text.h"
#include "shoal-socks.h"
#include "shoal-source.h"

void
shoal_cli_session_init (ShoalCliSession *self)
{
  *self = (ShoalCliSession){ .limit_down = -1, .limit_up = -1, .max_peers = -1 };
}

void
shoal_cli_session_clear (ShoalCliSession *self)
{
  g_free (self->state);
  g_free (self->bind);
  g_free (self->proxy);
  g_free (self->encryption);
  g_free (self->filter);
  g_strfreev (self->dns);
  g_strfreev (self->dht_routers);
}

GOptionEntry *
shoal_cli_session_entries (ShoalCliSession *self)
{
  const GOptionEntry entries[] = {
    { "state", 0, 0, G_OPTION_ARG_FILENAME, &self->state,
      "Keep torrents and resume data in this folder", "DIR" },
    { "port", 0, 0, G_OPTION_ARG_INT, &self->port, "Where peers reach us; 0: any free port", "N" },
    { "bind", 0, 0, G_OPTION_ARG_STRING, &self->bind, "Interface or address to use, and no other",
      "NAME-OR-ADDRESS" },
    { "no-dht", 0, 0, G_OPTION_ARG_NONE, &self->no_dht, "Do not use the distributed hash table",
      NULL },
    { "dht-router", 0, 0, G_OPTION_ARG_STRING_ARRAY, &self->dht_routers,
      "First node to ask in the distributed hash table", "HOST:PORT" },
    { "no-lsd", 0, 0, G_OPTION_ARG_NONE, &self->no_lsd,
      "Do not look for peers in the local network", NULL },
    { "no-pex", 0, 0, G_OPTION_ARG_NONE, &self->no_pex, "Do not exchange peers with peers", NULL },
    { "no-utp", 0, 0, G_OPTION_ARG_NONE, &self->no_utp, "Do not use uTP", NULL },
    { "no-tcp", 0, 0, G_OPTION_ARG_NONE, &self->no_tcp, "Do not use TCP", NULL },
    { "no-trackers", 0, 0, G_OPTION_ARG_NONE, &self->no_trackers, "Do not ask trackers", NULL },
    { "no-portmap", 0, 0, G_OPTION_ARG_NONE, &self->no_portmap,
      "Do not ask the router for an open port", NULL },
    { "encryption", 0, 0, G_OPTION_ARG_STRING, &self->encryption,
      "Encryption of connections to peers", "off|prefer|require" },
    { "filter", 0, 0, G_OPTION_ARG_FILENAME, &self->filter,
      "Addresses to block: a list in the P2P, DAT or CIDR format", "FILE-OR-URL" },
    { "dns", 0, 0, G_OPTION_ARG_STRING_ARRAY, &self->dns, "Name server for a bound session",
      "ADDRESS" },
    { "proxy", 0, 0, G_OPTION_ARG_STRING, &self->proxy, "Proxy for peers, trackers and web seeds",
      "socks5://[USER:PASSWORD@]HOST:PORT" },
    { "proxy-all", 0, 0, G_OPTION_ARG_NONE, &self->proxy_all, "Nothing at all goes past the proxy",
      NULL },
    { "limit-down", 0, 0, G_OPTION_ARG_INT, &self->limit_down, "KiB a second; 0: no limit", "KIB" },
    { "limit-up", 0, 0, G_OPTION_ARG_INT, &self->limit_up, "KiB a second; 0: no limit", "KIB" },
    { "max-peers", 0, 0, G_OPTION_ARG_INT, &self->max_peers, "Connected peers at most", "N" },
    { NULL },
  };

  return g_memdup2 (entries, sizeof entries);
}

static gboolean
encryption_of (const char      *text,
               ShoalEncryption *out)
{
  static const char *const names[] = { "off", "prefer", "require" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      if (strcmp (text, names[i]) == 0)
        {
          *out = (ShoalEncryption) i;
          return TRUE;
        }
    }

  return FALSE;
}

static gboolean
check_range (const char *option,
             int         value,
             int         minimum,
             int         maximum)
{
  if (value >= minimum && value <= maximum)
    return TRUE;

  shoal_cli_complain (option, "%d is not between %d and %d", value, minimum, maximum);
  return FALSE;
}

/* (transfer full) (nullable): NULL: one is not an address, which was told */
static char *
name_servers (const ShoalCliSession *self)
{
  ShoalAddr addr;

  for (guint i = 0; self->dns != NULL && self->dns[i] != NULL; i++)
    {
      if (!shoal_addr_parse (&addr, self->dns[i], 53))
        {
          shoal_cli_complain ("--dns", "%s is not an address", self->dns[i]);
          return NULL;
        }
    }

  return self->dns != NULL ? g_strjoinv (" ", self->dns) : g_strdup ("");
}

static gboolean
check_proxy (const ShoalCliSession *self)
{
  ShoalProxyServer server;
  g_autoptr(GError) error = NULL;

  if (self->proxy == NULL && self->proxy_all)
    {
      shoal_cli_complain ("--proxy-all", "there is no --proxy");
      return FALSE;
    }
  if (self->proxy == NULL || shoal_proxy_server_parse (&server, self->proxy, &error))
    return TRUE;

  shoal_cli_complain ("--proxy", "%s", error->message);
  return FALSE;
}

ShoalPreferences *
shoal_cli_session_preferences (const ShoalCliSession *self)
{
  g_autoptr(ShoalPreferences) preferences = NULL;
  g_autofree char *dns = NULL;
  ShoalEncryption encryption = SHOAL_ENCRYPTION_PREFER;

  if (!check_range ("--port", self->port, 0, G_MAXUINT16)
      || !check_range ("--limit-down", self->limit_down, -1, G_MAXINT)
      || !check_range ("--limit-up", self->limit_up, -1, G_MAXINT)
      || (self->max_peers != -1 && !check_range ("--max-peers", self->max_peers, 1, 10000)))
    return NULL;
  if (self->encryption != NULL && !encryption_of (self->encryption, &encryption))
    {
      shoal_cli_complain ("--encryption", "%s is none of off, prefer and require",
                          self->encryption);
      return NULL;
    }

  dns = name_servers (self);
  if (dns == NULL || !check_proxy (self))
    return NULL;
  if (self->filter != NULL && !shoal_source_is_link (self->filter)
      && !g_file_test (self->filter, G_FILE_TEST_IS_REGULAR))
    {
      shoal_cli_complain ("--filter", "%s is not a file", self->filter);
      return NULL;
    }

  preferences = shoal_preferences_new (NULL);
  g_object_set (preferences,
                "bind", self->bind,
                "dns", dns,
                "proxy", self->proxy,
                "proxy-all", self->proxy_all,
                "port", (guint) self->port,
                "use-tcp", !self->no_tcp,
                "use-utp", !self->no_utp,
                "use-trackers", !self->no_trackers,
                "use-lsd", !self->no_lsd,
                "use-pex", !self->no_pex,
                "encryption", (guint) encryption,
                "use-dht", !self->no_dht,
                "port-mapping", !self->no_portmap,
                "limit-down", (guint) MAX (self->limit_down, 0),
                "limit-up", (guint) MAX (self->limit_up, 0),
                NULL);
  if (self->filter != NULL)
    {
      g_autofree char *path = shoal_source_is_link (self->filter)
                                ? g_strdup (self->filter)
                                : g_canonicalize_filename (self->filter, NULL);

      g_object_set (preferences, "filter-source", path, "use-filter", TRUE, NULL);
    }
  if (self->dht_routers != NULL)
    {
      g_autofree char *routers = g_strjoinv (" ", self->dht_routers);

      g_object_set (preferences, "dht-routers", routers, NULL);
    }
  if (self->max_peers > 0)
    g_object_set (preferences, "max-peers", (guint) self->max_peers, "max-peers-torrent",
                  (guint) self->max_peers, NULL);

  return g_steal_pointer (&preferences);
}

gboolean
shoal_cli_parse (int                 argc,
                 char              **argv,
                 const char         *usage,
                 const char         *summary,
                 const GOptionEntry *entries,
                 const GOptionEntry *session)
{
  g_autoptr(GOptionContext) context = NULL;
  g_autofree char *line = g_strdup_printf ("%s %s", argv[0], usage);
  g_autoptr(GError) error = NULL;

  context = g_option_context_new (line);
  g_option_context_set_summary (context, summary);
  g_option_context_add_main_entries (context, entries, NULL);
  if (session != NULL)
    g_option_context_add_main_entries (context, session, NULL);

  if (!g_option_context_parse (context, &argc, &argv, &error))
    {
      shoal_cli_complain (argv[0], "%s", error->message);
      return FALSE;
    }

  return TRUE;
}

gboolean
shoal_cli_is_peer (const char *text)
{
  const char *colon = strrchr (text, ':');
  guint64 port;

  if (colon == NULL || colon == text
      || !g_ascii_string_to_unsigned (colon + 1, 10, 1, G_MAXUINT16, &port, NULL))
    return FALSE;
  if (text[0] == '[')
    return colon > text + 2 && colon[-1] == ']';

  /* A bare IPv6 address would have its last group taken for the port. */
  return memchr (text, ':', (gsize) (colon - text)) == NULL;
}
