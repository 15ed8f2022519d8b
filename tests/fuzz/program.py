"""Runs the program: one process a run under limits of time and memory, from a fork server (fork_server.c) where a compiler is at hand."""
import dataclasses
import os
import pathlib
import re
import resource
import select
import shutil
import signal
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
MEMORY = 12 << 30  # address space; the libraries alone take 3 GiB
TIME = 30          # seconds of processor time until a run counts as a hang
PATIENCE = 20      # times as many seconds of wall clock: beside other work a run may wait for the processor
ENVIRONMENT = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMPI_MCA_rmaps_base_oversubscribe="1",
                   OMPI_MCA_mpi_yield_when_idle="1", OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")


@dataclasses.dataclass
class Done:
    """How a run ended: `code` is negative for a signal, None for a hang."""
    code: int | None
    out: str
    err: str

    def errors(self):
        return [line for line in self.err.splitlines() if line.startswith("halobrush: error:")]


def limit():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def core_type():
    """What `halobrush` sets before it becomes halobrush-main, from which the server forks."""
    flags = re.search("^flags.*", pathlib.Path("/proc/cpuinfo").read_text(), re.M)[0].split()
    return "SkylakeX" if "avx512dq" in flags else "Haswell"


def processor_seconds(process):
    try:
        words = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


class Program:
    def __init__(self, path, folder):
        self.path, self.folder = pathlib.Path(path).resolve(), pathlib.Path(folder)
        self.server = None
        compiler = shutil.which("cc")
        self.shim = self.folder / "fork_server.so"
        if compiler:
            subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", self.shim, HERE / "fork_server.c", "-ldl"], check=True)

    def start(self):
        request, self.requests = os.pipe()
        self.answers, answer = os.pipe()

        def move():
            limit()
            a, b = os.dup(request), os.dup(answer)  # clear of 3 and 4
            os.dup2(a, 3), os.dup2(b, 4)

        self.server = subprocess.Popen([self.path.with_name("halobrush-main"), "--version"], preexec_fn=move, close_fds=False, stdin=subprocess.DEVNULL, start_new_session=True,
                                       env=dict(ENVIRONMENT, LD_PRELOAD=str(self.shim), LD_BIND_NOW="1", OMPI_MCA_ess_singleton_isolated="1", OPENBLAS_CORETYPE=core_type()))
        os.close(request), os.close(answer)
        self.buffer = b""

    def answer(self, seconds):
        while b"\n" not in self.buffer:
            if not select.select([self.answers], [], [], seconds)[0]:
                return None
            part = os.read(self.answers, 100)
            if not part:
                raise RuntimeError("the fork server has ended")
            self.buffer += part
        line, self.buffer = self.buffer.split(b"\n", 1)
        return int(line)

    def run(self, *arguments, ranks=1):
        arguments = [str(a) for a in arguments]
        if ranks > 1 or not self.shim.exists():
            return self.spawn(ranks, arguments)
        if self.server is None:
            self.start()
        out, err = self.folder / "stdout", self.folder / "stderr"
        os.write(self.requests, ("\t".join([str(out), str(err), *arguments]) + "\n").encode())
        child = self.answer(120)
        status = None
        for _ in range(PATIENCE):
            status = self.answer(TIME)
            if status is not None or processor_seconds(child) > TIME:
                break
        if status is None:
            os.kill(child, signal.SIGKILL)
            self.answer(60)
        code = None if status is None else os.waitstatus_to_exitcode(status)
        return Done(code, out.read_text(errors="replace"), err.read_text(errors="replace"))

    def spawn(self, ranks, arguments):
        mpirun = ["mpirun", "-np", str(ranks), "--oversubscribe"] if ranks > 1 else []
        running = subprocess.Popen([*mpirun, self.path, *arguments], env=ENVIRONMENT, preexec_fn=limit, start_new_session=True, text=True, errors="replace",
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = running.communicate(timeout=4 * TIME)
            return Done(running.returncode, out, err)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            out, err = running.communicate()
            return Done(None, out, err)

    def close(self):
        if self.server:
            os.close(self.requests)
            self.server.wait()
            self.server = None
