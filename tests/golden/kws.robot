*** Comments ***
The model kws on ST NUCLEO-F746ZG (STM32F746ZG, Cortex-M7): the image that is flashed, on a machine in Renode,
over its serial port. Written by `mcuq sim --robot`; do not edit, write it again with each build.

    renode-test kws.robot

needs Renode 1.16 or later, and Python 3.10 or later. Beside this file:
    kws.elf    the image
    kws.repl    the machine
    kws_samples.json    inputs, and the outputs that LiteRT's reference kernels compute
    kws_keywords.py    keywords that speak the firmware's protocol

*** Settings ***
Library    ${CURDIR}/kws_keywords.py

*** Variables ***
${SAMPLES}    ${CURDIR}/kws_samples.json
${SECONDS_PER_INFERENCE}    120

*** Keywords ***
Start The Firmware
    [Documentation]    The machine, running; gives the TCP port of its UART.
    ${port}=    Free Port
    ${platform}=    Monitor Path    ${CURDIR}/kws.repl
    ${image}=    Monitor Path    ${CURDIR}/kws.elf
    Create Log Tester    0
    Execute Command    mach create "nucleo-f746zg"
    Execute Command    machine LoadPlatformDescription ${platform}
    Execute Command    sysbus LoadELF ${image}
    Execute Command    sysbus.cpu VectorTableOffset 0x08000000
    Execute Command    emulation CreateServerSocketTerminal ${port} "mcuq_uart" false
    Execute Command    connector Connect sysbus.usart3 mcuq_uart
    Start Emulation
    RETURN    ${port}

*** Test Cases ***
Should Run This Build
    ${port}=    Start The Firmware
    Should Run Build    ${port}    ${SAMPLES}
    Should Not Be In Log    non existing peripheral

Should Compute Every Byte As LiteRT Does
    ${port}=    Start The Firmware
    Should Compute Every Byte    ${port}    ${SAMPLES}    ${SECONDS_PER_INFERENCE}
    Should Not Be In Log    non existing peripheral
