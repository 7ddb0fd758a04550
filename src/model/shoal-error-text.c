/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Errors and reasons as translated sentences that say what the user can do. */

#include "shoal-error-text.h"

#include <gio/gio.h>
#include <glib/gi18n-lib.h>
#include "shoal-error.h"

/* The lower layers speak technical English. What they say comes behind our own sentence where it
 * helps to find the cause, and never instead of it. */

static char *
wire_text (const GError *error)
{
  switch ((ShoalWireError) error->code)
    {
    case SHOAL_WIRE_ERROR_TOO_LARGE:
      return g_strdup_printf (_("This torrent is larger than Shoal can handle (%s)."),
                              error->message);
    case SHOAL_WIRE_ERROR_UNSUPPORTED:
      return g_strdup_printf (_("This kind of torrent is not supported (%s)."), error->message);
    case SHOAL_WIRE_ERROR_TRUNCATED:
    case SHOAL_WIRE_ERROR_MALFORMED:
    default:
      return g_strdup_printf (_("This is not a torrent file or a valid link (%s)."),
                              error->message);
    }
}

static char *
engine_text (const GError *error)
{
  switch ((ShoalEngineError) error->code)
    {
    case SHOAL_ENGINE_ERROR_DUPLICATE:
      return g_strdup (_("This torrent is in the list already."));
    case SHOAL_ENGINE_ERROR_NO_TORRENT:
      return g_strdup (_("This torrent is not in the list any more."));
    case SHOAL_ENGINE_ERROR_STATE:
      return g_strdup (_("This is not possible in the torrent’s present state."));
    case SHOAL_ENGINE_ERROR_DATA_MISSING:
      return g_strdup_printf (_("Data of this torrent is missing (%s)."), error->message);
    case SHOAL_ENGINE_ERROR_FETCH:
      return g_strdup_printf (_("The link could not be opened (%s). Check the address and your "
                                "connection."), error->message);
    default:
      return g_strdup_printf (_("Something went wrong (%s)."), error->message);
    }
}

static char *
store_text (const GError *error)
{
  if (error->code == SHOAL_STORE_ERROR_IN_USE)
    return g_strdup_printf (_("Another Shoal is running with the same data folder (%s). Close it "
                              "first."), error->message);

  return g_strdup_printf (_("What was kept of a torrent is damaged (%s). Its data will "
                            "be checked."),
                          error->message);
}

static char *
io_text (const GError *error)
{
  switch ((GIOErrorEnum) error->code)
    {
    case G_IO_ERROR_NO_SPACE:
      return g_strdup (_("The disk is full. Make room and try again."));
    case G_IO_ERROR_PERMISSION_DENIED:
      return g_strdup_printf (_("You are not allowed to do this (%s)."), error->message);
    case G_IO_ERROR_NOT_FOUND:
      return g_strdup_printf (_("The file or folder does not exist (%s)."), error->message);
    case G_IO_ERROR_READ_ONLY:
      return g_strdup (_("The disk can only be read. Choose another folder."));
    case G_IO_ERROR_ADDRESS_IN_USE:
      return g_strdup (_("Another program uses this port. Choose another one in the preferences."));
    case G_IO_ERROR_CLOSED:
      return g_strdup (_("Shoal is closing."));
    case G_IO_ERROR_CANCELLED:
      return g_strdup (_("Cancelled."));
    default:
      return g_strdup_printf (_("Something went wrong (%s)."), error->message);
    }
}

char *
shoal_error_text (const GError *error)
{
  g_return_val_if_fail (error != NULL, NULL);

  if (error->domain == SHOAL_WIRE_ERROR)
    return wire_text (error);
  if (error->domain == SHOAL_ENGINE_ERROR)
    return engine_text (error);
  if (error->domain == SHOAL_STORE_ERROR)
    return store_text (error);
  if (error->domain == G_IO_ERROR)
    return io_text (error);

  return g_strdup_printf (_("Something went wrong (%s)."), error->message);
}

char *
shoal_reason_text (ShoalReason reason,
                   const char *dir,
                   const char *detail)
{
  dir = dir != NULL ? dir : "";

  switch (reason)
    {
    case SHOAL_REASON_DISK_FULL:
      return g_strdup_printf (_("The disk of “%s” is full. Make room, then start again."), dir);
    case SHOAL_REASON_NO_PERMISSION:
      return g_strdup_printf (_("No permission to write in “%s”. Change that, then start again."),
                              dir);
    case SHOAL_REASON_FOLDER_GONE:
      return g_strdup_printf (_("The folder “%s” is not there. Connect its drive, then start "
                                "again."),
                              dir);
    case SHOAL_REASON_DATA_MISSING:
      return g_strdup_printf (_("Files in “%s” were changed or are gone. Put them back, or start "
                                "again to download what is missing."), dir);
    case SHOAL_REASON_READ_ONLY:
      return g_strdup_printf (_("The disk of “%s” can only be read."), dir);
    case SHOAL_REASON_BAD_METADATA:
      return g_strdup (_("This torrent contradicts itself and cannot be downloaded. Look for "
                         "another one."));
    case SHOAL_REASON_IO:
      if (detail != NULL)
        return g_strdup_printf (_("The disk reported an error (%s). Start again to retry."),
                                detail);
      return g_strdup (_("The disk reported an error. Start again to retry."));
    case SHOAL_REASON_NONE:
    case SHOAL_N_REASONS:
    default:
      return g_strdup (_("Stopped by an error."));
    }
}
