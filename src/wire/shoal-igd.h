/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asking a gateway for a port: what UPnP sends to and reads from an Internet Gateway Device. */

#pragma once

#include "shoal-pcp.h"

G_BEGIN_DECLS

#define SHOAL_IGD_SEARCH_PORT     1900u           /* of SSDP */
#define SHOAL_IGD_SEARCH_MAX      2048u           /* bytes of an answer to a search */
#define SHOAL_IGD_BODY_MAX        (64u * 1024)    /* bytes of a description or an answer */
#define SHOAL_IGD_URL_MAX         1024u
#define SHOAL_IGD_SERVICES_MAX    64u             /* looked at in one description */

/* What an IGD says in numbers when it refuses. */
#define SHOAL_IGD_NO_ANSWER          1u     /* our own: nothing came */
#define SHOAL_IGD_CONFLICT           718u   /* the external port is somebody else's */
#define SHOAL_IGD_SAME_PORTS_ONLY    724u
#define SHOAL_IGD_PERMANENT_ONLY     725u   /* leases do not end by themselves */

/**
 * ShoalIgdService: the connection of a gateway to its provider, as one may ask it for ports; or its
 * firewall for IPv6, which may let packets to one of our ports in (a pinhole).
 */
typedef struct
{
  char *type;      /* (owned): "urn:schemas-upnp-org:service:WANIPConnection:1" */
  char *control;   /* (owned): absolute http URL */
} ShoalIgdService;

/**
 * ShoalIgdAnswer:
 * @error: 0: it was done; else the number of the refusal, or the HTTP status where there is none,
 * or %SHOAL_IGD_NO_ANSWER
 * @external: family NONE: not told
 * @pinhole: the number of one that was made; meaningless if there is an @error
 */
typedef struct
{
  guint     error;
  ShoalAddr external;
  guint16   pinhole;
} ShoalIgdAnswer;

/* (transfer full): a search for gateways, to be sent as one datagram to @host ("239.255.255.250").
 * @version: 1 or 2, of the device. */
char    *shoal_igd_write_search        (const char *host, guint version);
/* (transfer full) (nullable): the http URL of the description; NULL: no gateway answers there. */
char    *shoal_igd_parse_search_answer (const guint8 *bytes, gsize size);

/* @url: of the description. FALSE: no service for ports is in it. */
gboolean shoal_igd_parse_description   (ShoalIgdService *out, const char *url, const char *text,
                                        gsize size);
/* The same for its firewall (WANIPv6FirewallControl). */
gboolean shoal_igd_parse_firewall      (ShoalIgdService *out, const char *url, const char *text,
                                        gsize size);
void     shoal_igd_service_clear       (ShoalIgdService *self);

/* (transfer full): the bodies of requests. @client: our address. @lifetime_s: 0: for ever. @action
 * is set to the value of the header SOAPAction (transfer full). */
char    *shoal_igd_write_add           (const ShoalIgdService *service, const ShoalPcpMap *map,
                                        char **action);
char    *shoal_igd_write_delete        (const ShoalIgdService *service, const ShoalPcpMap *map,
                                        char **action);
char    *shoal_igd_write_address       (const ShoalIgdService *service, char **action);

/* Of a firewall; what exists already gets another lease and keeps its number. @map: its `client` is
 * IPv6, `external` is not used. */
char    *shoal_igd_write_open          (const ShoalIgdService *service, const ShoalPcpMap *map,
                                        char **action);
char    *shoal_igd_write_close         (const ShoalIgdService *service, guint16 pinhole,
                                        char **action);

/* @status: of HTTP; 0: nothing came. */
void     shoal_igd_parse_answer        (ShoalIgdAnswer *out, guint status, const char *text,
                                        gsize size);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ShoalIgdService, shoal_igd_service_clear)

G_END_DECLS
