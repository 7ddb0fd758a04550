/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of the DHT: its two nodes, questions under way, lookups. */

#pragma once

#include "shoal-dht-search.h"
#include "shoal-dht-store.h"
#include "shoal-dht.h"
#include "shoal-list.h"

G_BEGIN_DECLS

#define SHOAL_N_DHT_NODES   2u
#define SHOAL_DHT_IP_SLOTS  512u
#define SHOAL_DHT_SECRET    16u

typedef struct _ShoalDhtNode ShoalDhtNode;
typedef struct _ShoalDhtLeg  ShoalDhtLeg;

typedef enum
{
  SHOAL_DHT_FOR_LEG,       /* answers belong to a lookup */
  SHOAL_DHT_FOR_TABLE,     /* nodes in the answer may be wanted */
  SHOAL_DHT_FOR_PROOF,     /* does it answer at all */
} ShoalDhtPurpose;

/* A question under way. */
typedef struct
{
  ShoalNode       node;          /* in its DHT node's fresh or late */
  guint32         transaction;
  ShoalAddr       to;
  gint64          sent_us;
  ShoalDhtPurpose purpose;
  ShoalDhtLeg    *leg;           /* (nullable) */
} ShoalDhtCall;

/* One family's part of a lookup. */
struct _ShoalDhtLeg
{
  ShoalNode       node;          /* in its DHT node's legs */
  ShoalDhtNode   *at;
  ShoalDhtLookup *lookup;        /* (nullable): NULL: for the node itself, to know its neighbours */
  ShoalDhtSearch *search;
};

struct _ShoalDhtLookup
{
  ShoalDht                *dht;
  ShoalNode                node; /* in the DHT's lookups */
  ShoalSha1                key;
  guint16                  port;
  gboolean                 implied_port;
  gboolean                 seed;
  gboolean                 at_home;   /* our own store was looked at */
  const ShoalDhtLookupOps *ops;
  gpointer                 owner;
  ShoalDhtLeg             *legs[SHOAL_N_DHT_NODES];
  guint                    n_asked;
  guint                    n_answered;
  guint                    n_told;
};

/* The node of one address family. */
struct _ShoalDhtNode
{
  ShoalDht      *dht;
  ShoalFamily    family;
  ShoalSha1      id;
  ShoalAddr      external;       /* that @id belongs to; family NONE: not known */
  ShoalDhtTable *table;
  GHashTable    *calls;          /* transaction to ShoalDhtCall (owned) */
  ShoalNode      fresh;          /* calls, oldest first */
  ShoalNode      late;
  ShoalNode      legs;
  ShoalDhtLeg   *own;            /* (nullable): the lookup of its own id */
  GArray        *contacts;       /* of ShoalAddr: to be tried */
  gint64         boot_us;        /* not before */
  gint64         boot_wait_us;
  gint64         refresh_us;
  guint          n_fill;         /* buckets that are still to be filled after the neighbours are
                                  * known */
  gint64         tick_us;
  gint64         proof_us;       /* the next stranger is asked not before */
  gboolean       ready;
  gboolean       starved;        /* a question waits for the pace */
  ShoalTimer     timer;
  ShoalAddr      votes[SHOAL_DHT_VOTES];
  ShoalAddr      voters[SHOAL_DHT_VOTES];
  guint          n_votes;
};

typedef struct
{
  char        *host;
  guint16      port;
  ShoalLookup *lookup;           /* (nullable): at the host */
  gint64       looked_us;
} ShoalDhtRouter;

struct _ShoalDht
{
  ShoalHost         *host;
  ShoalTimers       *timers;
  ShoalRng          *rng;
  const ShoalDhtOps *ops;
  gpointer           owner;
  gint64             now_us;
  ShoalDhtNode      *nodes[SHOAL_N_DHT_NODES];   /* IPv4, IPv6 */
  ShoalDhtStore     *store;
  ShoalNode          lookups;
  gboolean           read_only;
  gint64             pace_us;    /* when all that was asked will have been paid for */
  gint64             expire_us;
  guint8             secrets[2][SHOAL_DHT_SECRET];
  gint64             secret_us;  /* the first secret is from then */
  guint8             ip_answers[SHOAL_DHT_IP_SLOTS];   /* answers in this second, by address */
  guint              n_answers;
  gint64             second_us;
  guint32            ip_salt;
  GPtrArray         *routers;    /* of ShoalDhtRouter (owned) */
  GArray            *router_addrs;   /* of ShoalAddr */
  ShoalWriter        packet;
};

static inline guint32
shoal_dht_seconds (const ShoalDht *self)
{
  return (guint32) (self->now_us / G_USEC_PER_SEC);
}

/* shoal-dht.c */
void          shoal_dht_set_now       (ShoalDht *self, gint64 now_us);
/* the pace allows another question */
gboolean      shoal_dht_may_ask       (const ShoalDht *self);
/* an address that @teller may tell */
gboolean      shoal_dht_fits          (const ShoalAddr *addr, const ShoalAddr *teller);
gboolean      shoal_dht_is_router     (const ShoalDht *self, const ShoalAddr *addr);
/* FALSE: nothing more will come of it now */
gboolean      shoal_dht_look_up_routers (ShoalDht *self);

/* shoal-dht-node.c */
ShoalDhtNode *shoal_dht_node_new      (ShoalDht *dht, ShoalFamily family);
void          shoal_dht_node_free     (ShoalDhtNode *self);
void          shoal_dht_node_set_id   (ShoalDhtNode *self, const ShoalSha1 *id);
void          shoal_dht_node_arm      (ShoalDhtNode *self);
void          shoal_dht_node_contact  (ShoalDhtNode *self, const ShoalAddr *addr);
void          shoal_dht_node_wake     (ShoalDhtNode *self);
/* Sends a question; id, transaction and the rest of the head are filled in. FALSE: it could not be
 * sent. */
gboolean      shoal_dht_node_ask      (ShoalDhtNode *self, ShoalKrpc *query, const ShoalAddr *to,
                                       ShoalDhtPurpose purpose, ShoalDhtLeg *leg);
/* an answer or an error came */
void          shoal_dht_node_told     (ShoalDhtNode *self, const ShoalKrpc *krpc,
                                       const ShoalAddr *from);
/* somebody asked */
void          shoal_dht_node_heard    (ShoalDhtNode *self, const ShoalKrpc *query,
                                       const ShoalAddr *from);

/* shoal-dht-answer.c */
void          shoal_dht_answer        (ShoalDhtNode *at, const ShoalKrpc *query,
                                       const ShoalAddr *from);

/* shoal-dht-lookup.c */
ShoalDhtLeg  *shoal_dht_leg_new       (ShoalDhtNode *at, const ShoalSha1 *target,
                                       ShoalDhtLookup *lookup);
void          shoal_dht_leg_free      (ShoalDhtLeg *self);
void          shoal_dht_leg_pump      (ShoalDhtLeg *self);                     /* may free it */
void          shoal_dht_leg_answered  (ShoalDhtLeg *self, const ShoalKrpc *krpc,
                                       const ShoalAddr *from);
void          shoal_dht_lookup_free   (ShoalDhtLookup *self);

G_END_DECLS
