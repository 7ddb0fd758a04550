/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asking a gateway for a port: what UPnP sends to and reads from an Internet Gateway Device. */

/* The XML of gateways is often not well formed, so it is not parsed as XML: a scanner walks from
 * tag to tag, knows names without their prefix and the text in front of the next tag, and cares
 * for nothing else. It never looks back and keeps nothing, so the worst input costs one pass.
 *
 * Pure functions, any thread. */

#include "shoal-igd.h"

#include <string.h>

#define NAME_MAX_SIZE 64u
#define TEXT_MAX_SIZE SHOAL_IGD_URL_MAX
#define SCHEMA        "urn:schemas-upnp-org:service:"

/* --- Scanning --- */

typedef struct
{
  const char *at;
  const char *end;
  gboolean    closing;                     /* the tag is </name> */
  char        name[NAME_MAX_SIZE];         /* of the tag, without prefix */
  char        text[TEXT_MAX_SIZE];         /* between the tag and the next one, trimmed; "" if it is
                                            * too long */
} Scanner;

static Scanner
scanner (const char *text,
         gsize       size)
{
  Scanner self = { .at = text, .end = text + size };

  return self;
}

static const char *
find (const Scanner *self,
      char           byte)
{
  return memchr (self->at, byte, (gsize) (self->end - self->at));
}

static void
take_name (Scanner    *self,
           const char *begin,
           const char *end)
{
  gsize size = 0;
  const char *colon;

  while (begin + size < end && !g_ascii_isspace (begin[size]) && begin[size] != '/')
    size++;
  colon = memchr (begin, ':', size);
  if (colon != NULL)
    {
      size -= (gsize) (colon + 1 - begin);
      begin = colon + 1;
    }
  if (size >= sizeof self->name)
    size = 0;
  memcpy (self->name, begin, size);
  self->name[size] = '\0';
}

/* Text goes into URLs and comparisons only, where of all entities just this one matters. */
static void
take_text (Scanner    *self,
           const char *begin,
           const char *end)
{
  gsize n = 0;

  while (begin < end && g_ascii_isspace (*begin))
    begin++;
  while (end > begin && g_ascii_isspace (end[-1]))
    end--;
  self->text[0] = '\0';
  if ((gsize) (end - begin) >= sizeof self->text)
    return;

  while (begin < end)
    {
      gboolean is_and = end - begin >= 5 && memcmp (begin, "&amp;", 5) == 0;

      self->text[n++] = *begin;
      begin += is_and ? 5 : 1;
    }
  self->text[n] = '\0';
}

/* The next tag. FALSE: there is none. */
static gboolean
scanner_next (Scanner *self)
{
  const char *open = find (self, '<');
  const char *close;

  if (open == NULL)
    return FALSE;
  self->at = open + 1;
  close = find (self, '>');
  if (close == NULL)
    return FALSE;

  self->closing = *self->at == '/';
  take_name (self, self->at + (self->closing ? 1 : 0), close);
  self->at = close + 1;
  open = find (self, '<');
  take_text (self, self->at, open != NULL ? open : self->end);

  return TRUE;
}

static gboolean
is_tag (const Scanner *self,
        const char    *name,
        gboolean       closing)
{
  return self->closing == closing && g_ascii_strcasecmp (self->name, name) == 0;
}

/* --- Searching --- */

char *
shoal_igd_write_search (const char *host,
                        guint       version)
{
  return g_strdup_printf ("M-SEARCH * HTTP/1.1\r\n"
                          "HOST: %s:%u\r\n"
                          "MAN: \"ssdp:discover\"\r\n"
                          "MX: 1\r\n"
                          "ST: urn:schemas-upnp-org:device:InternetGatewayDevice:%u\r\n"
                          "\r\n",
                          host, SHOAL_IGD_SEARCH_PORT, version);
}

static gboolean
is_web_url (const char *url)
{
  g_autoptr(GUri) uri = g_uri_parse (url, G_URI_FLAGS_NONE, NULL);

  return uri != NULL && g_strcmp0 (g_uri_get_scheme (uri), "http") == 0
         && g_uri_get_host (uri) != NULL && g_uri_get_host (uri)[0] != '\0';
}

char *
shoal_igd_parse_search_answer (const guint8 *bytes,
                               gsize         size)
{
  static const char key[] = "location:";
  const char *at = (const char *) bytes;
  const char *end = at + size;

  if (size < 12 || size > SHOAL_IGD_SEARCH_MAX || g_ascii_strncasecmp (at, "HTTP/1.", 7) != 0
      || memcmp (at + 8, " 200", 4) != 0)
    return NULL;

  while (at < end)
    {
      const char *line_end = memchr (at, '\n', (gsize) (end - at));
      gsize line_size;

      if (line_end == NULL)
        line_end = end;
      line_size = (gsize) (line_end - at);
      if (line_size > sizeof key && line_size < SHOAL_IGD_URL_MAX
          && g_ascii_strncasecmp (at, key, sizeof key - 1) == 0)
        {
          g_autofree char *url = g_strstrip (g_strndup (at + sizeof key - 1,
                                                        line_size - (sizeof key - 1)));

          return is_web_url (url) ? g_steal_pointer (&url) : NULL;
        }
      at = line_end + (line_end < end ? 1 : 0);
    }

  return NULL;
}

/* --- Description --- */

/* Better ones last. */
static const char *const service_types[] = {
  SCHEMA "WANPPPConnection:1",
  SCHEMA "WANIPConnection:1",
  SCHEMA "WANIPConnection:2",
  NULL
};

static const char *const firewall_types[] = { SCHEMA "WANIPv6FirewallControl:1", NULL };

static int
rank_of (const char        *type,
         const char *const *types)
{
  for (guint i = 0; types[i] != NULL; i++)
    if (strcmp (type, types[i]) == 0)
      return (int) i;

  return -1;
}

static gboolean
parse_service (ShoalIgdService   *out,
               const char        *url,
               const char        *text,
               gsize              size,
               const char *const *types)
{
  Scanner scan = scanner (text, MIN (size, SHOAL_IGD_BODY_MAX));
  g_autofree char *base = g_strdup (url);
  g_autofree char *type = NULL;
  g_autofree char *control = NULL;
  g_autofree char *best = NULL;
  int best_rank = -1;
  guint n = 0;

  *out = (ShoalIgdService){ 0 };
  while (n < SHOAL_IGD_SERVICES_MAX && scanner_next (&scan))
    if (is_tag (&scan, "URLBase", FALSE) && is_web_url (scan.text))
      {
        g_free (base);
        base = g_strdup (scan.text);
      }
    else if (is_tag (&scan, "service", FALSE))
      {
        g_clear_pointer (&type, g_free);
        g_clear_pointer (&control, g_free);
        n++;
      }
    else if (is_tag (&scan, "serviceType", FALSE))
      {
        g_free (type);
        type = g_strdup (scan.text);
      }
    else if (is_tag (&scan, "controlURL", FALSE))
      {
        g_free (control);
        control = g_strdup (scan.text);
      }
    else if (is_tag (&scan, "service", TRUE) && type != NULL && control != NULL
             && rank_of (type, types) > best_rank)
      {
        best_rank = rank_of (type, types);
        g_free (best);
        best = g_steal_pointer (&control);
      }

  if (best_rank < 0)
    return FALSE;
  out->control = g_uri_resolve_relative (base, best, G_URI_FLAGS_NONE, NULL);
  if (out->control == NULL || !is_web_url (out->control))
    {
      g_clear_pointer (&out->control, g_free);
      return FALSE;
    }
  out->type = g_strdup (types[best_rank]);

  return TRUE;
}

gboolean
shoal_igd_parse_description (ShoalIgdService *out,
                             const char      *url,
                             const char      *text,
                             gsize            size)
{
  return parse_service (out, url, text, size, service_types);
}

gboolean
shoal_igd_parse_firewall (ShoalIgdService *out,
                          const char      *url,
                          const char      *text,
                          gsize            size)
{
  return parse_service (out, url, text, size, firewall_types);
}

void
shoal_igd_service_clear (ShoalIgdService *self)
{
  g_clear_pointer (&self->type, g_free);
  g_clear_pointer (&self->control, g_free);
}

/* --- Requests --- */

/* Nothing in @arguments comes from outside: numbers, addresses and our own name. */
static char *
write_call (const ShoalIgdService *service,
            const char            *name,
            const char            *arguments,
            char                 **action)
{
  *action = g_strdup_printf ("\"%s#%s\"", service->type, name);

  return g_strdup_printf ("<?xml version=\"1.0\"?>\r\n"
                          "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "
                          "s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body>"
                          "<u:%s xmlns:u=\"%s\">%s</u:%s></s:Body></s:Envelope>\r\n",
                          name, service->type, arguments, name);
}

static const char *
transport_name (ShoalTransport transport)
{
  return transport == SHOAL_TRANSPORT_TCP ? "TCP" : "UDP";
}

char *
shoal_igd_write_add (const ShoalIgdService *service,
                     const ShoalPcpMap     *map,
                     char                 **action)
{
  g_autofree char *client = shoal_addr_ip_to_text (&map->client);
  g_autofree char *arguments =
    g_strdup_printf ("<NewRemoteHost></NewRemoteHost><NewExternalPort>%u</NewExternalPort>"
                     "<NewProtocol>%s</NewProtocol>"
                     "<NewInternalPort>%u</NewInternalPort>"
                     "<NewInternalClient>%s</NewInternalClient><NewEnabled>1</NewEnabled>"
                     "<NewPortMappingDescription>Shoal</NewPortMappingDescription>"
                     "<NewLeaseDuration>%u</NewLeaseDuration>",
                     map->external, transport_name (map->transport), map->internal, client,
                     map->lifetime_s);

  return write_call (service, "AddPortMapping", arguments, action);
}

char *
shoal_igd_write_delete (const ShoalIgdService *service,
                        const ShoalPcpMap     *map,
                        char                 **action)
{
  g_autofree char *arguments =
    g_strdup_printf ("<NewRemoteHost></NewRemoteHost><NewExternalPort>%u</NewExternalPort>"
                     "<NewProtocol>%s</NewProtocol>",
                     map->external, transport_name (map->transport));

  return write_call (service, "DeletePortMapping", arguments, action);
}

char *
shoal_igd_write_address (const ShoalIgdService *service,
                         char                 **action)
{
  return write_call (service, "GetExternalIPAddress", "", action);
}

char *
shoal_igd_write_open (const ShoalIgdService *service,
                      const ShoalPcpMap     *map,
                      char                 **action)
{
  g_autofree char *client = shoal_addr_ip_to_text (&map->client);
  g_autofree char *arguments =
    g_strdup_printf ("<RemoteHost></RemoteHost><RemotePort>0</RemotePort>"
                     "<InternalClient>%s</InternalClient>"
                     "<InternalPort>%u</InternalPort><Protocol>%u</Protocol>"
                     "<LeaseTime>%u</LeaseTime>",
                     client, map->internal, map->transport, map->lifetime_s);

  return write_call (service, "AddPinhole", arguments, action);
}

char *
shoal_igd_write_close (const ShoalIgdService *service,
                       guint16                pinhole,
                       char                 **action)
{
  g_autofree char *arguments = g_strdup_printf ("<UniqueID>%u</UniqueID>", pinhole);

  return write_call (service, "DeletePinhole", arguments, action);
}

/* --- Answers --- */

void
shoal_igd_parse_answer (ShoalIgdAnswer *out,
                        guint           status,
                        const char     *text,
                        gsize           size)
{
  Scanner scan = scanner (text, MIN (size, SHOAL_IGD_BODY_MAX));
  guint64 number;

  *out = (ShoalIgdAnswer){ .error = status == 200 ? 0 : MAX (status, SHOAL_IGD_NO_ANSWER) };
  while (scanner_next (&scan))
    if (is_tag (&scan, "NewExternalIPAddress", FALSE))
      {
        if (shoal_addr_parse (&out->external, scan.text, 1))
          out->external.port = 0;
        else
          out->external = (ShoalAddr){ 0 };
      }
    else if (is_tag (&scan, "UniqueID", FALSE)
             && g_ascii_string_to_unsigned (scan.text, 10, 0, G_MAXUINT16, &number, NULL))
      out->pinhole = (guint16) number;
    else if (is_tag (&scan, "errorCode", FALSE)
             && g_ascii_string_to_unsigned (scan.text, 10, 1, 9999, &number, NULL))
      out->error = (guint) number;
}
