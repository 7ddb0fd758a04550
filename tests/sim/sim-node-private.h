/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of a simulated machine share. */

#pragma once

#include "sim-node.h"

G_BEGIN_DECLS

#define SIM_ANSWER_US 80000     /* from a question to a tracker, a name server or another node until
                                 * its answer is there */

typedef enum { SIM_REQUEST_DISK, SIM_REQUEST_FETCH, SIM_REQUEST_LOOKUP,
               SIM_REQUEST_WEB } SimRequestKind;

/* Something that the engine asked for; @done is NULL once it was answered early. */
typedef struct
{
  SimNode       *node;
  SimRequestKind kind;
  ShoalDone     *done;
} SimRequest;

typedef enum { SIM_INPUT_COMMAND, SIM_INPUT_DONE, SIM_INPUT_DATAGRAM, SIM_INPUT_LOCAL,
               SIM_INPUT_NETWORK } SimInputKind;

/* What waits for the node's next turn. */
typedef struct
{
  SimInputKind  kind;
  SimNode      *node;
  ShoalCommand *command;   /* (owned) (nullable) */
  SimRequest   *request;   /* (owned) (nullable) */
  ShoalAddr     from;
  GBytes       *bytes;     /* (owned) (nullable) */
  guint16       tcp_port;
} SimInput;

extern const ShoalHostOps sim_node_host_ops;

SimNode *sim_node_of_host      (ShoalHost *host);
gboolean sim_node_is_node      (const SimPeer *peer);                   /* no bot */
void     sim_node_push         (SimNode *self, SimInput *input);        /* takes it */
void     sim_node_push_command (SimNode *self, ShoalCommand *command);  /* takes it */

/* Hands the request back with its results; in a turn. */
void     sim_node_answer       (SimNode *self, SimRequest *request);

/* The effects that are requests. */
void     sim_node_disk         (ShoalHost *host, ShoalDiskJob *job);
void     sim_node_fetch        (ShoalHost *host, ShoalFetch *request);
void     sim_node_attend_fetch (ShoalHost *host, ShoalFetch *request);
void     sim_node_lookup       (ShoalHost *host, ShoalLookup *query);

G_END_DECLS
