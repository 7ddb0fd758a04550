/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside of the host: what its turns and its effects share. */

#pragma once

#include "shoal-conn.h"
#include "shoal-disk.h"
#include "shoal-filter-loader.h"
#include "shoal-gio-host.h"
#include "shoal-gio-mapping.h"
#include "shoal-gio-network.h"
#include "shoal-http.h"
#include "shoal-lsd-socket.h"
#include "shoal-resolver.h"

G_BEGIN_DECLS

struct _ShoalGioHost
{
  ShoalHost        base;
  GMainContext    *context;
  ShoalEngine     *engine;       /* (nullable) */
  ShoalReactor    *reactor;
  ShoalConnSet    *conns;
  ShoalDisk       *disk;
  ShoalResumeStore *store;       /* (nullable) */
  ShoalHttp       *http;
  ShoalResolver   *resolver;
  ShoalFilterLoader *filters;
  ShoalMailbox    *commands;     /* borrowed */
  ShoalWatch       commands_bell;
  ShoalWatch       disk_bell;
  ShoalGioNetwork *network;
  ShoalGioMapping *mapping;      /* (nullable) */
  ShoalLsdSocket  *lsd[2];          /* from the first message on */
  ShoalGioHostTell tell;
  gpointer         user_data;

  ShoalDone       *finished;     /* to be handed to the engine, oldest first */
  ShoalDone      **finished_end;
  ShoalNetworkState first;       /* what came of the first network */
  gboolean         begun;        /* it was made */
  gboolean         untold;       /* and the engine does not know yet */
  gboolean         loaded;       /* kept torrents were handed over */
  gboolean         in_turn;
  gboolean         stopping;
  guint64          moved;        /* bytes, when the rate was last measured */
  gint64           moved_us;
  guint64          rate;         /* bytes a second */
};

/* shoal-gio-host.c: @done goes back to the engine, in this turn or the next */
void gio_host_finish (ShoalGioHost *self, ShoalDone *done);

/* shoal-gio-host-effects.c */
extern const ShoalHostOps gio_host_ops;

G_END_DECLS
