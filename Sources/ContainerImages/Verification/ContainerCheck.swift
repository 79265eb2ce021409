/// Everything that is checked of a container image, in the order in which it is reported.
enum ContainerCheck: String, CaseIterable, Sendable {
    case configuration = "entry point, port, volume, health check and labels are there"
    case noSecrets = "no secret is in history, environment and labels"
    case answers = "JupyterLab asks for the password"
    case refuses = "JupyterLab refuses a wrong password"
    case letsIn = "JupyterLab answers 200 to /lab after login"
    case healthy = "the health check succeeds"
    case user = "JupyterLab runs as the user and has no password in its environment"
    case notebooks = "the notebooks are in the volume and belong to the user"
    case untouched = "a file that was in the volume is as it was"
    case tools = "Poetry and the Docker client run"
    case traces = "nothing of the build is left"
    case socket = "docker ps works through a mounted socket, which stays as it is"
    case stops = "it stops within 5 s of SIGTERM"
}
