/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Web servers for a rig, each as good as its switches say. */

#pragma once

#include "rig.h"

G_BEGIN_DECLS

#define RIG_WEB_MAX 8u

/* One server: everything below "http://<name>/" is its own. */
typedef struct
{
  const char *name;
  guint64     rate;          /* bytes a turn and request; 0: no limit */
  guint       status;        /* what it answers instead; 0: as it should */
  guint       retry_after_s;
  const char *hint;          /* (nullable): body of such an answer */
  const char *missing;       /* (nullable): links with this in them are answered with 404 */
  gboolean    whole;         /* sends whole files: 200 */
  gboolean    lies;          /* sends wrong bytes */
  gboolean    packs;         /* says that they are compressed */
  gboolean    shifts;        /* sends another range */
  gboolean    grew;          /* says that the files have another size */
  gboolean    chatters;      /* sends more than was asked for */
  gboolean    silent;        /* sends the head and then nothing */
  guint64     stops_after;   /* bytes of each answer; 0: it does not */

  guint       n_requests;
  guint64     n_bytes;       /* sent */
  guint       n_at_once;     /* the most requests under way */
} RigWebServer;

typedef struct _RigWeb RigWeb;

/* Serves the torrent's files to the rig, whose `serve` it takes. Freed by rig_web_free() before the
 * rig. */
RigWeb       *rig_web_new     (Rig *rig);
void          rig_web_free    (RigWeb *self);
RigWebServer *rig_web_add     (RigWeb *self, const char *name);
/* Adds the torrent with the servers as its web seeds, or (@pieces) as seeds of BEP 17. */
void          rig_web_start   (RigWeb *self, gboolean pieces);

G_END_DECLS
