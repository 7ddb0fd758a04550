/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UPnP: searches, descriptions in the shapes that gateways really have, calls and refusals. */

#include "shoal-igd.h"
#include <string.h>

#define URL "http://192.168.1.1:5000/desc/root.xml"

static char *
search_answer (const char *text)
{
  return shoal_igd_parse_search_answer ((const guint8 *) text, strlen (text));
}

static void
test_search (void)
{
  g_autofree char *text = shoal_igd_write_search ("239.255.255.250", 2);
  g_autofree char *url = search_answer ("HTTP/1.1 200 OK\r\nST: x\r\nlocation:  " URL " \r\n\r\n");
  g_autofree char *bare = search_answer ("HTTP/1.0 200 OK\nLOCATION:" URL);

  g_assert_true (g_str_has_prefix (text, "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n"));
  g_assert_nonnull (strstr (text, "ST: urn:schemas-upnp-org:device:InternetGatewayDevice:2\r\n"));
  g_assert_true (g_str_has_suffix (text, "\r\n\r\n"));
  g_assert_cmpstr (url, ==, URL);
  g_assert_cmpstr (bare, ==, URL);

  g_assert_null (search_answer (""));
  g_assert_null (search_answer ("HTTP/1.1 404 Nothing\r\nLOCATION: " URL "\r\n\r\n"));
  g_assert_null (search_answer ("HTTP/1.1 200 OK\r\nLOCATION: file:///etc/passwd\r\n\r\n"));
  g_assert_null (search_answer ("HTTP/1.1 200 OK\r\nLOCATION: http:///nobody\r\n\r\n"));
  g_assert_null (search_answer ("HTTP/1.1 200 OK\r\n\r\n"));
  g_assert_null (search_answer ("NOTIFY * HTTP/1.1\r\nLOCATION: " URL "\r\n\r\n"));
}

static gboolean
describe (ShoalIgdService *service,
          const char      *text)
{
  return shoal_igd_parse_description (service, URL, text, strlen (text));
}

#define SERVICE(type, url) "<service><serviceType>urn:schemas-upnp-org:service:" type "</serviceType><controlURL>" url "</controlURL></service>"

static void
test_firewall (void)
{
  static const char text[] = SERVICE ("WANIPConnection:2", "/two")
    SERVICE ("WANIPv6FirewallControl:1", "/six");
  g_auto(ShoalIgdService) service = { 0 };
  g_auto(ShoalIgdService) none = { 0 };
  const guint8 ip[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 7 };
  ShoalPcpMap map = { .client = shoal_addr_make (SHOAL_FAMILY_IPV6, ip, 0),
                      .transport = SHOAL_TRANSPORT_UDP,
                      .internal = 6881,
                      .lifetime_s = 3600 };
  g_autofree char *action = NULL;
  g_autofree char *close_action = NULL;
  g_autofree char *open_body = NULL;
  g_autofree char *close_body = NULL;
  ShoalIgdAnswer answer;

  g_assert_true (shoal_igd_parse_firewall (&service, URL, text, strlen (text)));
  g_assert_cmpstr (service.type, ==, "urn:schemas-upnp-org:service:WANIPv6FirewallControl:1");
  g_assert_cmpstr (service.control, ==, "http://192.168.1.1:5000/six");
  g_assert_false (shoal_igd_parse_firewall (&none, URL, SERVICE ("WANIPConnection:2", "/two"),
                                            strlen (SERVICE ("WANIPConnection:2", "/two"))));

  open_body = shoal_igd_write_open (&service, &map, &action);
  g_assert_cmpstr (action, ==,
                   "\"urn:schemas-upnp-org:service:WANIPv6FirewallControl:1#AddPinhole\"");
  g_assert_nonnull (strstr (open_body, "<RemoteHost></RemoteHost><RemotePort>0</RemotePort><InternalClient>2001:db8::7</InternalClient>"
                                       "<InternalPort>6881</InternalPort><Protocol>17</Protocol><LeaseTime>3600</LeaseTime></u:AddPinhole>"));
  close_body = shoal_igd_write_close (&service, 65535, &close_action);
  g_assert_nonnull (strstr (close_action, "#DeletePinhole"));
  g_assert_nonnull (strstr (close_body, "<UniqueID>65535</UniqueID></u:DeletePinhole>"));

  shoal_igd_parse_answer (&answer, 200, "<UniqueID>65535</UniqueID>", 26);
  g_assert_cmpuint (answer.error, ==, 0);
  g_assert_cmpuint (answer.pinhole, ==, 65535);
  shoal_igd_parse_answer (&answer, 200, "<UniqueID>65536</UniqueID>", 26);
  g_assert_cmpuint (answer.pinhole, ==, 0);
}

static void
test_description (void)
{
  static const struct
  {
    const char *text;
    const char *type;      /* NULL: nothing of use */
    const char *control;
  } cases[] = {
    { "<?xml version='1.0'?><root>" SERVICE ("WANIPConnection:1", "/ctl/IPConn") "</root>",
      "WANIPConnection:1", "http://192.168.1.1:5000/ctl/IPConn" },
    { SERVICE ("WANIPConnection:1", "ctl?a=1&amp;b=2"), "WANIPConnection:1",
      "http://192.168.1.1:5000/desc/ctl?a=1&b=2" },
    { "<URLBase> http://192.168.1.1:80/ </URLBase>" SERVICE ("WANPPPConnection:1", "/x"),
      "WANPPPConnection:1", "http://192.168.1.1:80/x" },
    { "<URLBase></URLBase>" SERVICE ("WANPPPConnection:1", "http://192.168.1.1:9/y"),
      "WANPPPConnection:1", "http://192.168.1.1:9/y" },
    { SERVICE ("WANIPConnection:2", "/two") SERVICE ("WANPPPConnection:1", "/ppp")
      SERVICE ("WANIPConnection:1", "/one"),
      "WANIPConnection:2", "http://192.168.1.1:5000/two" },
    { SERVICE ("Layer3Forwarding:1", "/l3") "<br>not & well <formed"
      "<u:service  id='1'>\n<u:serviceType>\n "
      "urn:schemas-upnp-org:service:WANIPConnection:1\n</u:serviceType>"
      "<u:controlURL>/ns</u:controlURL></u:service>",
      "WANIPConnection:1", "http://192.168.1.1:5000/ns" },
    { SERVICE ("Layer3Forwarding:1", "/l3"), NULL, NULL },
    { "<service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType></service>"
      "<service><controlURL>/of-another</controlURL></service>", NULL, NULL },
    { SERVICE ("WANIPConnection:1", "gopher://192.168.1.1/"), NULL, NULL },
    { "<service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType>"
      "<controlURL>/cut", NULL, NULL },
    { "", NULL, NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto(ShoalIgdService) service = { 0 };

      g_assert_cmpint (describe (&service, cases[i].text), ==, cases[i].type != NULL);
      if (cases[i].type == NULL)
        continue;
      g_assert_true (g_str_has_suffix (service.type, cases[i].type));
      g_assert_cmpstr (service.control, ==, cases[i].control);
    }
}

static void
test_long_texts (void)
{
  g_autofree char *longer = g_strnfill (SHOAL_IGD_URL_MAX, 'x');
  g_autofree char *text = g_strdup_printf (SERVICE ("WANIPConnection:1", "/%s"), longer);
  g_autofree char *tag = g_strdup_printf ("<%s>" SERVICE ("WANIPConnection:1", "/fine"), longer);
  g_auto(ShoalIgdService) service = { 0 };

  if (describe (&service, text))
    g_assert_cmpstr (service.control, ==, URL);   /* an empty URL is that of the description */
  shoal_igd_service_clear (&service);
  g_assert_true (describe (&service, tag));
}

static void
test_calls (void)
{
  const ShoalIgdService service = { (char *) "urn:schemas-upnp-org:service:WANIPConnection:1",
                                    (char *) "http://192.168.1.1/c" };
  const guint8 ip[4] = { 192, 168, 1, 7 };
  const ShoalPcpMap map = {
    .client = shoal_addr_make (SHOAL_FAMILY_IPV4, ip, 0),
    .transport = SHOAL_TRANSPORT_TCP,
    .internal = 1,
    .external = 2,
    .lifetime_s = 3600,
  };
  g_autofree char *add_action = NULL;
  g_autofree char *delete_action = NULL;
  g_autofree char *address_action = NULL;
  g_autofree char *add = shoal_igd_write_add (&service, &map, &add_action);
  g_autofree char *gone = shoal_igd_write_delete (&service, &map, &delete_action);
  g_autofree char *address = shoal_igd_write_address (&service, &address_action);

  g_assert_cmpstr (add_action, ==,
                   "\"urn:schemas-upnp-org:service:WANIPConnection:1#AddPortMapping\"");
  g_assert_nonnull (strstr (add, "<NewExternalPort>2</NewExternalPort><NewProtocol>TCP</NewProtocol><NewInternalPort>1</NewInternalPort>"
                                 "<NewInternalClient>192.168.1.7</NewInternalClient>"));
  g_assert_nonnull (strstr (add, "<NewLeaseDuration>3600</NewLeaseDuration>"));
  g_assert_cmpstr (delete_action, ==,
                   "\"urn:schemas-upnp-org:service:WANIPConnection:1#DeletePortMapping\"");
  g_assert_nonnull (strstr (gone, "<NewExternalPort>2</NewExternalPort><NewProtocol>TCP</NewProtocol></u:DeletePortMapping>"));
  g_assert_cmpstr (address_action, ==,
                   "\"urn:schemas-upnp-org:service:WANIPConnection:1#GetExternalIPAddress\"");
  g_assert_nonnull (strstr (address,
                            "<u:GetExternalIPAddress "
                            "xmlns:u=\"urn:schemas-upnp-org:service:WANIPConnection:1\">"));
}

static ShoalIgdAnswer
answer (guint       status,
        const char *text)
{
  ShoalIgdAnswer got;

  shoal_igd_parse_answer (&got, status, text, strlen (text));

  return got;
}

static void
test_answers (void)
{
  ShoalIgdAnswer got = answer (200, "<s:Envelope><s:Body><u:X><NewExternalIPAddress>203.0.113.5</NewExternalIPAddress></u:X></s:Body>");
  g_autofree char *text = shoal_addr_ip_to_text (&got.external);

  g_assert_cmpuint (got.error, ==, 0);
  g_assert_cmpstr (text, ==, "203.0.113.5");
  g_assert_cmpuint (answer (200, "<NewExternalIPAddress>no</NewExternalIPAddress>").external.family,
                    ==, SHOAL_FAMILY_NONE);
  g_assert_cmpuint (answer (200, "").error, ==, 0);
  g_assert_cmpuint (answer (500, "<UPnPError><errorCode>718</errorCode></UPnPError>").error, ==,
                    SHOAL_IGD_CONFLICT);
  g_assert_cmpuint (answer (500, "<errorCode>-3</errorCode>").error, ==, 500);
  g_assert_cmpuint (answer (404, "<html>").error, ==, 404);
  g_assert_cmpuint (answer (0, "").error, ==, 1);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/igd/search", test_search);
  g_test_add_func ("/wire/igd/description", test_description);
  g_test_add_func ("/wire/igd/firewall", test_firewall);
  g_test_add_func ("/wire/igd/long-texts", test_long_texts);
  g_test_add_func ("/wire/igd/calls", test_calls);
  g_test_add_func ("/wire/igd/answers", test_answers);

  return g_test_run ();
}
