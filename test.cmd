@echo off
rem Sets up .venv on first use, then runs the tests; arguments are passed on.
cd /d "%~dp0"
where py >nul 2>nul && (py -3 bootstrap.py) || (python bootstrap.py)
if errorlevel 1 exit /b 1
.venv\Scripts\python.exe -m pytest --no-header -n 2 --dist loadfile %*
