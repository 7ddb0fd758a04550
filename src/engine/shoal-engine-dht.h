/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the engine does with the DHT: who is searched for and announced, and when. */

#pragma once

#include "shoal-engine.h"

G_BEGIN_DECLS

typedef struct _ShoalEngineDht ShoalEngineDht;

ShoalEngineDht *shoal_engine_dht_new       (ShoalEngine *engine);
void            shoal_engine_dht_free      (ShoalEngineDht *self);
/* the configuration changed; also at the start */
void            shoal_engine_dht_configure (ShoalEngineDht *self);
/* @kept: (nullable): of an earlier run */
void            shoal_engine_dht_restore   (ShoalEngineDht *self, GBytes *kept);
/* sockets are there, or others than before */
void            shoal_engine_dht_network   (ShoalEngineDht *self);
gboolean        shoal_engine_dht_datagram  (ShoalEngineDht *self, const ShoalAddr *from,
                                            const guint8 *data, gsize size);
/* some torrent may want peers sooner than was known */
void            shoal_engine_dht_look      (ShoalEngineDht *self);
/* once a second while anything is active */
void            shoal_engine_dht_tick      (ShoalEngineDht *self);
/* keeps its nodes, asks nobody any more */
void            shoal_engine_dht_quit      (ShoalEngineDht *self);
gboolean        shoal_engine_dht_is_on     (const ShoalEngineDht *self);
guint           shoal_engine_dht_n_nodes   (const ShoalEngineDht *self);

/* A peer told the port of its DHT node; @addr: the peer's. */
void            shoal_engine_dht_told_port (ShoalEngineDht *self, const ShoalAddr *addr,
                                            guint16 port);
/* Our own port for such a message; 0: there is nobody to be asked. */
guint16         shoal_engine_dht_port      (const ShoalEngineDht *self);

G_END_DECLS
