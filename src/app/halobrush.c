/* What is started as `halobrush`. The loader needs two tenths of a second for the libraries of the program itself,
   halobrush-main, in which a signal would end it: this one needs none, holds back the signals that ask to stop
   (core/signals.cpp catches them) and becomes the program. It also chooses what libraries only take from the environment: the
   kernels of OpenBLAS, and large pages for columns of millions of rows (glibc 2.35 and newer; 15 % of a run over 20 million
   halos). What the user has set stays. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "halobrush/core/blas_core.h"

static void hold_signals(void) {
  sigset_t asked_to_stop;
  sigemptyset(&asked_to_stop);
  sigaddset(&asked_to_stop, SIGUSR1);
  sigaddset(&asked_to_stop, SIGTERM);
  sigaddset(&asked_to_stop, SIGINT);
  sigprocmask(SIG_BLOCK, &asked_to_stop, NULL);
}

int main(int argc, char** argv) {
  static const char name[] = "halobrush-main";
  static char path[1 << 16];
  (void)argc;
  hold_signals();
  if (halobrush_blas_core() != NULL) setenv("OPENBLAS_CORETYPE", halobrush_blas_core(), 0);
  setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1", 0);
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path - sizeof name);  /* behind links and PATH */
  char* const slash = length > 0 ? strrchr(path, '/') : NULL;
  strcpy(slash != NULL ? slash + 1 : path, name);
  execv(path, argv);
  fprintf(stderr, "halobrush: error: %s: %s; it is the program itself and belongs beside halobrush: copy both\n", path, strerror(errno));
  return 5;  /* ExitCode::io */
}
