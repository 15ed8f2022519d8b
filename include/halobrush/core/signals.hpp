// Signals that ask the program to stop: SIGUSR1 (a batch system's warning), SIGTERM and SIGINT. They are noted, and
// the work asks between two of its steps.
#pragma once

#include <string>

#include "halobrush/core/error.hpp"

namespace halobrush {

/// From the first line of main on, with those that came since the program was started (src/app/halobrush.c holds them
/// back). A second SIGINT ends the program at once, as someone at a terminal expects.
void catch_signals();

/// For commands that are done in no time: signals do what they do to any program, one that has come included.
void leave_signals_alone();

/// What asked to stop ("SIGUSR1", or the text given to ask_to_stop); empty: nothing.
std::string stop_asked();

/// What a run that stops before `next` ends with.
Error stopped(const std::string& why, const std::string& next);

/// Throws it where this process was asked to stop. Not collective: inside of mpi::agree.
void stop_here_if_asked(const std::string& next);

/// As a signal would. May be called from any thread; `why` must last.
void ask_to_stop(const char* why);

}  // namespace halobrush
